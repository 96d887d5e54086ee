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
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","ada@lovelace.org"]}',5.76918320002732798457e-02,2.32220008911099284887e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',1.05367311000009067356e-01,2.72120014415122568607e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,3,2103934835411515391,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',1.06528783002431737259e-01,1.74369997694157063961e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7617834005630992563,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',1.07783030001883162185e-01,1.88140002137515693902e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,5,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',0.109135642000183,1.99000023712869733572e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,6,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.09452333002991508692e-01,1.31439992401283234357e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,7,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',1.09796002001530723646e-01,1.60179988597519695758e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',1.1121112399996491149e-01,4.62268400224274955689e-03,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,9,8945159733232337320,8,0,0,'{"args":[],"kwargs":"{''user'': <User ada>, ''first_name'': '''', ''last_name'': ''''}"}',1.11368551002669846639e-01,8.83099710335955e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,10,5752851988809962262,8,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>"}',1.11676451000676024705e-01,7.51699917600490152835e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,11,564555515481818720,8,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',1.13834677002159878611e-01,1.14869981189258396625e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,12,7047205604097556131,8,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',1.15751916000590426847e-01,1.00170000223442912101e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,13,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',1.1588092000238248147e-01,4.75339984404854476451e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,14,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":0}',1.18493110003328183665e-01,1.49059997056610882282e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,1,730543732677654486,NULL,NULL,0,'{"command":"update","arguments":["update","ada","--last-name","Young","--delay","update_profile=2ms","--mute","pre_init"]}',5.43773339995823334902e-02,2.46220006374642252922e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',8.25907489997916854918e-02,2.30730001931078732013e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 3, 22, 46, 280341), ''password'': ********, ''last_login'': None}"}',8.7480012000014539808e-02,1.46549973578657954931e-05,1,0);
INSERT INTO "signalcli_dispatch" VALUES(2,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',8.75946060004935134202e-02,1.34259971673600375652e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","last_login","password","username"]}',8.80501089995959773659e-02,1.22239980555605143308e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","last_login","password","username"],"created":false}',0.0895924760006892,0.00534073499875376,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,7,8945159733232337320,6,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',9.30701519973808899521e-02,1.44350015034433454275e-05,1,0);
INSERT INTO "signalcli_dispatch" VALUES(2,8,5752851988809962262,6,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',9.33014509973872918635e-02,1.3416000001598149538e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,9,564555515481818720,6,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"]}',9.37577869990491308271e-02,9.55900031840428709983e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,10,7047205604097556131,6,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"],"created":false}',9.48705970004084520041e-02,1.10229993879329413175e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,11,1822051464416124491,NULL,NULL,0,'{"command":"update","exit_code":0}',9.65647480006737168878e-02,1.74689994310028851032e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,1,7788545648519932321,NULL,NULL,0,'{"command":"notify","arguments":["notify","ada","--robust"]}',3.69200819986872375011e-02,2.52829995588399469852e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',6.67209329985780641436e-02,2.82949986285530030727e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,3,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',7.06764579990704078227e-02,2.43959999352227896451e-04,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,4,4494060451305843428,3,1,0,'{"note":"line 1\n''line 2''"}',7.08206710005470085889e-02,1.18979987746570259332e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,5,7161837803478774301,NULL,NULL,0,'{"command":"notify","exit_code":1}',7.12923709979804698377e-02,1.16459996206685900688e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","other@lovelace.org"]}',5.13042060010775458067e-02,2.35199986491352319717e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',9.69081799994455650448e-02,2.35340012295637279748e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,3,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"UserExists(\"the user ''ada'' exists already; choose another username\")"}',1.01920266999513842165e-01,2.03710005735047161579e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,4,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":4}',1.01978677001170581206e-01,1.16749979497399181127e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,1,8496944922985261178,NULL,NULL,0,'{"command":"delete","arguments":["delete","ada"]}',5.52594900000258348882e-02,2.469099854351952672e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',8.58972989990434143692e-02,2.59289990935940295457e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 3, 22, 46, 280341), ''password'': ********, ''last_login'': None}"}',9.15019029998802579939e-02,2.130099892383441329e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',9.16211699986888561397e-02,1.16209994303062558174e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,5,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',9.3014620000758441165e-02,1.69359991559758782386e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,6,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',9.31609809995279647409e-02,9.3019989435561e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,7,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',0.0935882829980983,1.33370012918021529912e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,8,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',9.37288220011396333575e-02,1.05439976323395967483e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,9,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',0.0954431249992922,7.10230015101842582225e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,10,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',9.56180079992918763309e-02,9.92000059341080486774e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,11,1512511176214224928,NULL,NULL,0,'{"command":"delete","exit_code":0}',9.69473639997886493802e-02,2.17939996218774467706e-05,0,0);
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
INSERT INTO "signalcli_response" VALUES(1,8,0,2219834379439519814,1.11248680001153843477e-01,0.00455321900153649,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,8,1,4402556596085064127,1.15817118999984813854e-01,1.29710024339146912097e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,13,0,8360229829298806739,1.15898945001390529796e-01,2.58030013355892151594e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,0,2219834379439519814,8.96619070008455310016e-02,2.74249978247098624706e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,1,4402556596085064127,8.97055679997720289975e-02,0.00522128100055852,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0,0,0.002);
INSERT INTO "signalcli_response" VALUES(3,3,0,8360229829298806739,7.07170649984618648886e-02,4.97389992233365774154e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(3,3,1,5595673606899124375,7.07769469991035293787e-02,6.2415998399956151843e-05,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(5,9,0,8739669090903691524,0.0954778150007769,3.07599984807893633842e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
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
INSERT INTO "signalcli_route" VALUES(8360229829298806739,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',48);
INSERT INTO "signalcli_route" VALUES(7617834005630992563,'post_migrate','signalcli.db.signals.post_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8464616720068101607,'connection_created','signalcli.db.signals.connection_created','Engine',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2103934835411515391,'pre_migrate','signalcli.db.signals.pre_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(564555515481818720,'pre_save','signalcli.db.signals.pre_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1159835310021816916,'command_finished','signalcli.apps.signals.command_finished','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4402556596085064127,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',27);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2219834379439519814,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',18);
INSERT INTO "signalcli_route" VALUES(8475159666743634028,'command_started','signalcli.apps.signals.command_started','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(730543732677654486,'command_started','signalcli.apps.signals.command_started','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1822051464416124491,'command_finished','signalcli.apps.signals.command_finished','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7788545648519932321,'command_started','signalcli.apps.signals.command_started','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5595673606899124375,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7161837803478774301,'command_finished','signalcli.apps.signals.command_finished','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(726191701679261399,'got_command_exception','signalcli.apps.signals.got_command_exception','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1512511176214224928,'command_finished','signalcli.apps.signals.command_finished','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8739669090903691524,'post_delete','signalcli.db.signals.post_delete','Profile','signalcli.core.signals.remove_picture','/app/signalcli/core/signals.py',42);
INSERT INTO "signalcli_route" VALUES(1399252812246494484,'pre_delete','signalcli.db.signals.pre_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8496944922985261178,'command_started','signalcli.apps.signals.command_started','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2362805195914749742,'post_delete','signalcli.db.signals.post_delete','Profile',NULL,NULL,NULL);
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
INSERT INTO "signalcli_run" VALUES(1,'2026-11-23 03:22:46.171101','2026-11-23 03:22:46.310481','register','signalcli register ada --email ada@lovelace.org',0,1.18518119001237209886e-01,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T03:22:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,14,3,0,1.18518119001237209886e-01,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-23 03:22:46.738630','2026-11-23 03:22:46.849471','update','signalcli update ada --last-name Young --delay update_profile=2ms --mute pre_init',0,9.65922930008673574775e-02,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T03:22:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,11,2,0,9.65922930008673574775e-02,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-23 03:22:47.302352','2026-11-23 03:22:47.387511','notify','signalcli notify ada --robust',1,7.13139119980041868984e-02,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T03:22:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',5,2,1,7.13139119980041868984e-02,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-23 03:22:47.824567','2026-11-23 03:22:47.935680','register','signalcli register ada --email other@lovelace.org',4,1.02000684000813635066e-01,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',4,0,0,1.02000684000813635066e-01,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-23 03:22:48.371267','2026-11-23 03:22:48.482294','delete','signalcli delete ada',0,9.69813720003003254532e-02,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T03:22:46Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,11,1,0,9.69813720003003254532e-02,0);
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
CREATE TABLE signalcli_schema (
	part VARCHAR(50) NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (part)
);
INSERT INTO "signalcli_schema" VALUES('log',2);
CREATE INDEX signalcli_run_failed ON signalcli_run (is_failed, run) WHERE is_failed = 1;
CREATE INDEX ix_signalcli_run_ended ON signalcli_run (ended);
CREATE INDEX signalcli_run_user_of ON signalcli_run_user (run);
CREATE INDEX signalcli_dispatch_route ON signalcli_dispatch (route, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',5);
COMMIT;
