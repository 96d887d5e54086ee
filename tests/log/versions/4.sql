BEGIN TRANSACTION;
CREATE TABLE core_profile (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	first_name VARCHAR(20) NOT NULL, 
	last_name VARCHAR(20) NOT NULL, 
	profile_pic VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (user_id), 
	FOREIGN KEY(user_id) REFERENCES core_user (id) ON DELETE CASCADE
);
CREATE TABLE core_user (
	id INTEGER NOT NULL, 
	username VARCHAR(150) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	date_joined DATETIME NOT NULL, 
	password VARCHAR(255), 
	last_login DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (username)
);
CREATE TABLE signalcli_checkpoint (
	checkpoint INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	written DATETIME NOT NULL, 
	command VARCHAR(50) NOT NULL, 
	source TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	done INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	batches INTEGER NOT NULL, 
	faults TEXT NOT NULL, 
	digest VARCHAR(128) NOT NULL
);
CREATE TABLE signalcli_dispatch (
	run INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	route BIGINT NOT NULL, 
	parent_seq INTEGER, 
	parent_place INTEGER, 
	robust BOOLEAN NOT NULL, 
	arguments TEXT NOT NULL, 
	begun FLOAT NOT NULL, 
	seconds FLOAT, 
	muted BOOLEAN, 
	elsewhere BOOLEAN, 
	not_called TEXT, 
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","ada@lovelace.org"]}',6.02408099998683610465e-02,2.70699997599876951426e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',8.98016319997623213566e-02,3.44810000569850672036e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,3,2103934835411515391,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',9.14543599997159617487e-02,2.85119999716698657721e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7617834005630992563,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',1.01705450999816093826e-01,3.19480000143812503665e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,5,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',1.03550455000004149042e-01,2.62789999396773055195e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,6,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.03958550999777799006e-01,1.36009998641384299844e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,7,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',1.04580205999809550121e-01,1.4992000160418683663e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',1.15299593999679927946e-01,0.00064363699993919,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,9,8945159733232337320,8,0,0,'{"args":[],"kwargs":"{''user_id'': 1, ''first_name'': '''', ''last_name'': ''''}"}',1.15496847000031266361e-01,1.36300000121991615742e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,10,5752851988809962262,8,0,0,'{"instance":"<Profile id=None, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',1.15808930999719450483e-01,5.77900027565192431211e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,11,564555515481818720,8,0,0,'{"instance":"<Profile id=None, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',1.16351438000037887832e-01,7.71099985286127775907e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,12,7047205604097556131,8,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',1.26175879999664175556e-01,1.57640001816616859287e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,13,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',1.26270770999781234422e-01,9.04849998732970561832e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,14,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":0}',1.54121270999894477427e-01,2.0169999970676144585e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,1,730543732677654486,NULL,NULL,0,'{"command":"update","arguments":["update","ada","--last-name","Young","--delay","update_profile=2ms","--mute","pre_init"]}',7.54758109997055726125e-02,2.44570001086685806512e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',7.80664929998238221742e-02,2.38460002037754748016e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 28, 13, 31, 46, 621497), ''password'': ********, ''last_login'': None}"}',1.0197773599975334946e-01,1.62340002134442329406e-05,1,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.02081319999797415221e-01,1.31689998852380085736e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":["date_joined","email","last_login","password","username"],"session":"<signalcli.db.session.Session>"}',1.11912186999688856303e-01,2.55879999713215511292e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":["date_joined","email","last_login","password","username"],"session":"<signalcli.db.session.Session>","created":false}',1.13941954999972949735e-01,7.7979939997021574527e-03,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,7,8945159733232337320,6,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',1.1835838099977991078e-01,1.56440000864677131175e-05,1,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,8,5752851988809962262,6,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',1.21343269999670155812e-01,2.60080000771267805248e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,9,564555515481818720,6,1,0,'{"instance":"<Profile Young>","raw":false,"using":"sqlite:///demo.db","update_fields":["last_name"],"session":"<signalcli.db.session.Session>"}',1.22256818000096245668e-01,1.04149999060609843581e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,10,7047205604097556131,6,1,0,'{"instance":"<Profile Young>","raw":false,"using":"sqlite:///demo.db","update_fields":["last_name"],"session":"<signalcli.db.session.Session>","created":false}',1.239251479996710259e-01,1.0836999990715412423e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,11,1822051464416124491,NULL,NULL,0,'{"command":"update","exit_code":0}',1.35931559999789897119e-01,2.36250002672022674232e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,1,7788545648519932321,NULL,NULL,0,'{"command":"notify","arguments":["notify","ada","--robust"]}',1.85645530000329017639e-02,2.60589999925286974757e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',2.12096360000941785983e-02,2.72900001618836540728e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,3,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',3.96291430001838307362e-02,3.01437999951303936541e-04,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,4,4494060451305843428,3,1,0,'{"note":"line 1\n''line 2''"}',3.97924260000763752032e-02,1.25780002235842403024e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,5,7161837803478774301,NULL,NULL,0,'{"command":"notify","exit_code":1}',4.03888330001791473478e-02,1.39300000228104181587e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","other@lovelace.org"]}',4.99921109999377222266e-02,2.41559996538853738456e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',5.45198329996310349088e-02,2.70099999397643841803e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,3,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"UserExists(\"the user ''ada'' exists already; choose another username\")"}',6.69831839995822519995e-02,2.83220001620065886527e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,4,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":4}',6.70597979997182847e-02,9.30400028664735145866e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,1,8496944922985261178,NULL,NULL,0,'{"command":"delete","arguments":["delete","ada"]}',5.49183150001226749736e-02,3.41009999829111620783e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',5.76436269998339412268e-02,2.2584000362257938832e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 28, 13, 31, 46, 621497), ''password'': ********, ''last_login'': None}"}',7.63914720000684610567e-02,2.95439999717928e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',7.64998740000919497106e-02,9.38399989536264911293e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,5,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',7.81296270001803350169e-02,1.43109996315615717321e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,6,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',7.82030459999987215269e-02,5.00699979966157115995e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,7,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',8.73000719998344720806e-02,2.73310001830395776778e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,8,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',8.74256189999869093298e-02,7.31000000087078660726e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,9,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',8.91892909999114635866e-02,7.31390000510145910084e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,10,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',8.93353579999711655545e-02,4.47699994765571318566e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,11,1512511176214224928,NULL,NULL,0,'{"command":"delete","exit_code":0}',1.03189266999834217131e-01,2.34150002142996527254e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","eve","--email","eve@mail.com","--fail","create_profile"]}',8.28257299999677343294e-02,2.42460000663413666188e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',9.37829819999933533836e-02,2.68999997388164047151e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''eve'', ''email'': ''eve@mail.com''}"}',1.13158159999784402316e-01,2.84520001514465548098e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User eve>"}',1.13580927999919367721e-01,1.17479999062197748571e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User eve>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',1.1415812699988237e-01,9.61400019150460138916e-06,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User eve>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',1.19732865000059973681e-01,2.15152900000248337164e-03,0,0,'["signalcli.core.signals.update_profile"]');
INSERT INTO "signalcli_dispatch" VALUES(7,7,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"InjectedFault(''raised on purpose'')"}',1.22323056999903201358e-01,1.59530000019003637135e-05,0,0,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,8,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":1}',1.22362394999981916043e-01,8.60299996929825283586e-06,0,0,NULL);
CREATE TABLE signalcli_response (
	run INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	route BIGINT NOT NULL, 
	begun FLOAT NOT NULL, 
	seconds FLOAT NOT NULL, 
	is_finished BOOLEAN NOT NULL, 
	is_failed BOOLEAN NOT NULL, 
	value TEXT NOT NULL, 
	failure_type TEXT, 
	failure_message TEXT, 
	failure_file TEXT, 
	failure_line INTEGER, 
	output TEXT NOT NULL, 
	omitted INTEGER NOT NULL, 
	injected_failure BOOLEAN, 
	injected_delay FLOAT, 
	PRIMARY KEY (run, seq, place)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_response" VALUES(1,8,0,3072998179090533720,1.15364359999603038886e-01,5.51080000150250270962e-04,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,8,1,4978586433921362804,1.15933656999914092011e-01,6.96999995852820575237e-06,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,13,0,8827150656871568542,1.26314876999913394683e-01,4.30840000262833200395e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,0,3072998179090533720,1.14027132000046549364e-01,2.44559996644966304302e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,1,4978586433921362804,1.14075082999988808296e-01,7.6534989998435776215e-03,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0,0,0.002);
INSERT INTO "signalcli_response" VALUES(3,3,0,8827150656871568542,3.96892220001063833478e-02,6.22530001237464603036e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(3,3,1,1275943962729631475,3.97602880002523306757e-02,5.02849998156307265162e-05,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(5,9,0,8980130858535073712,8.92330460001176106743e-02,2.60090000665513798594e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(7,6,0,3072998179090533720,1.198206159997425857e-01,1.99261300031139398925e-03,1,1,'null','InjectedFault','raised on purpose','',0,'',0,1,0.0);
CREATE TABLE signalcli_route (
	route BIGINT NOT NULL, 
	signal TEXT NOT NULL, 
	signal_path TEXT NOT NULL, 
	sender TEXT, 
	receiver TEXT, 
	file TEXT, 
	line INTEGER, 
	PRIMARY KEY (route)
);
INSERT INTO "signalcli_route" VALUES(8464616720068101607,'connection_created','signalcli.db.signals.connection_created','Engine',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8827150656871568542,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',53);
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4978586433921362804,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',27);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7617834005630992563,'post_migrate','signalcli.db.signals.post_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1159835310021816916,'command_finished','signalcli.apps.signals.command_finished','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8475159666743634028,'command_started','signalcli.apps.signals.command_started','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(3072998179090533720,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',18);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2103934835411515391,'pre_migrate','signalcli.db.signals.pre_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(564555515481818720,'pre_save','signalcli.db.signals.pre_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1822051464416124491,'command_finished','signalcli.apps.signals.command_finished','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(730543732677654486,'command_started','signalcli.apps.signals.command_started','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7788545648519932321,'command_started','signalcli.apps.signals.command_started','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1275943962729631475,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7161837803478774301,'command_finished','signalcli.apps.signals.command_finished','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(726191701679261399,'got_command_exception','signalcli.apps.signals.got_command_exception','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8980130858535073712,'post_delete','signalcli.db.signals.post_delete','Profile','signalcli.core.signals.remove_picture','/app/signalcli/core/signals.py',47);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2362805195914749742,'post_delete','signalcli.db.signals.post_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8496944922985261178,'command_started','signalcli.apps.signals.command_started','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1399252812246494484,'pre_delete','signalcli.db.signals.pre_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1512511176214224928,'command_finished','signalcli.apps.signals.command_finished','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
CREATE TABLE signalcli_run (
	run INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	begun DATETIME NOT NULL, 
	ended DATETIME NOT NULL, 
	command VARCHAR(50) NOT NULL, 
	command_line TEXT NOT NULL, 
	exit_code INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	is_rolled_back BOOLEAN NOT NULL, 
	message TEXT NOT NULL, 
	result TEXT, 
	error_code VARCHAR(50), 
	error_message TEXT, 
	dispatches INTEGER NOT NULL, 
	responses INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	trace_ended FLOAT, 
	is_failed BOOLEAN NOT NULL
);
INSERT INTO "signalcli_run" VALUES(1,'2026-11-28 13:31:46.517784','2026-11-28 13:31:46.697678','register','signalcli register ada --email ada@lovelace.org',0,1.54155611999613029183e-01,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T13:31:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,14,3,0,1.54155611999613029183e-01,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-28 13:31:48.168722','2026-11-28 13:31:48.332962','update','signalcli update ada --last-name Young --delay update_profile=2ms --mute pre_init',0,0.135972290999689,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T13:31:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,11,2,0,0.135972290999689,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-28 13:31:49.829697','2026-11-28 13:31:49.882400','notify','signalcli notify ada --robust',1,4.04173850001825485378e-02,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T13:31:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',5,2,1,4.04173850001825485378e-02,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-28 13:31:51.075657','2026-11-28 13:31:51.153218','register','signalcli register ada --email other@lovelace.org',4,6.70852859998376516159e-02,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',4,0,0,6.70852859998376516159e-02,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-28 13:31:52.560584','2026-11-28 13:31:52.667068','delete','signalcli delete ada',0,1.03226773000187677098e-01,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T13:31:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,11,1,0,1.03226773000187677098e-01,0);
INSERT INTO "signalcli_run" VALUES(6,'2026-11-28 13:31:54.292229','2026-11-28 13:31:54.472929','register','signalcli register --from users.csv --fail show_notification',1,1.83022237999921344453e-01,0,'Registered 0 users in demo.db: 1 row in 1 batch, 0 skipped, 1 failed','{"rows":1,"done":0,"skipped":0,"failed":1,"batches":1,"errors":[{"line":2,"row":1,"code":"receiver_failed","message":"the receiver signalcli.core.signals.show_notification failed on notification: InjectedFault: raised on purpose"}],"errors_omitted":0,"receivers":[{"receiver":"signalcli.core.signals.create_profile","signal":"post_save","runs":1,"failures":0,"seconds":0.000325},{"receiver":"signalcli.core.signals.update_profile","signal":"post_save","runs":1,"failures":0,"seconds":3e-06},{"receiver":"signalcli.core.signals.show_notification","signal":"notification","runs":1,"failures":1,"seconds":0.019007}]}','receiver_failed','1 of 1 row failed',0,3,1,NULL,1);
INSERT INTO "signalcli_run" VALUES(7,'2026-11-28 13:31:56.411859','2026-11-28 13:31:56.537560','register','signalcli register eve --email eve@mail.com --fail create_profile',1,1.22380151000015757745e-01,1,'',NULL,'receiver_failed','the receiver signalcli.core.signals.create_profile failed on post_save of User: InjectedFault: raised on purpose; nothing was written',8,1,1,1.22380151000015757745e-01,1);
CREATE TABLE signalcli_run_user (
	username VARCHAR(200) NOT NULL, 
	run INTEGER NOT NULL, 
	PRIMARY KEY (username, run)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_run_user" VALUES('ada',1);
INSERT INTO "signalcli_run_user" VALUES('ada',2);
INSERT INTO "signalcli_run_user" VALUES('ada',3);
INSERT INTO "signalcli_run_user" VALUES('ada',4);
INSERT INTO "signalcli_run_user" VALUES('ada',5);
INSERT INTO "signalcli_run_user" VALUES('eve',7);
CREATE TABLE signalcli_schema (
	part VARCHAR(50) NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (part)
);
INSERT INTO "signalcli_schema" VALUES('log',4);
INSERT INTO "signalcli_schema" VALUES('checkpoint',1);
CREATE TABLE signalcli_total (
	run INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	receiver TEXT NOT NULL, 
	signal TEXT NOT NULL, 
	signal_path TEXT NOT NULL, 
	runs INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	PRIMARY KEY (run, place)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_total" VALUES(6,0,'signalcli.core.signals.create_profile','post_save','signalcli.db.signals.post_save',1,0,3.24983000155043555423e-04);
INSERT INTO "signalcli_total" VALUES(6,1,'signalcli.core.signals.update_profile','post_save','signalcli.db.signals.post_save',1,0,2.70400005319970659911e-06);
INSERT INTO "signalcli_total" VALUES(6,2,'signalcli.core.signals.show_notification','notification','signalcli.core.signals.notification',1,1,1.900748100024429732e-02);
CREATE INDEX signalcli_run_failed ON signalcli_run (is_failed, run) WHERE is_failed = 1;
CREATE INDEX ix_signalcli_run_ended ON signalcli_run (ended);
CREATE INDEX signalcli_run_user_of ON signalcli_run_user (run);
CREATE INDEX signalcli_dispatch_route ON signalcli_dispatch (route, run);
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
CREATE INDEX ix_signalcli_checkpoint_written ON signalcli_checkpoint (written);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',7);
INSERT INTO "sqlite_sequence" VALUES('signalcli_checkpoint',1);
COMMIT;
