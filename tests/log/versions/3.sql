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
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","ada@lovelace.org"]}',2.68109960001311264932e-01,2.78929946944117546081e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',4.62806169998657424002e-01,3.23939966619946062564e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,3,2103934835411515391,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',4.64017669000895693898e-01,1.74099986907094717025e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7617834005630992563,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',4.65603778000513557344e-01,1.85739991138689219951e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,5,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',4.6679076900181826204e-01,1.61269999807700514793e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,6,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',4.67136172999744303524e-01,1.13959977170452475547e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,7,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',4.67496944002050440758e-01,1.11159970401786267757e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',4.89699985999322962015e-01,6.30554997769650071859e-04,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,9,8945159733232337320,8,0,0,'{"args":[],"kwargs":"{''user'': <User ada>, ''first_name'': '''', ''last_name'': ''''}"}',4.89881695997610222548e-01,8.65499896463006734848e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,10,5752851988809962262,8,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>"}',4.90230064999195747077e-01,7.22899858374148607254e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,11,564555515481818720,8,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',4.90591055997356306761e-01,6.4749983721412718296e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,12,7047205604097556131,8,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',4.91866129996196832507e-01,9.26000211620703339576e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,13,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',4.91925463000370655208e-01,5.65529990126378834247e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(1,14,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":0}',5.13400464995356742292e-01,1.39060066430829465389e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,1,730543732677654486,NULL,NULL,0,'{"command":"update","arguments":["update","ada","--last-name","Young","--delay","update_profile=2ms","--mute","pre_init"]}',3.80525889995624311268e-01,2.74379999609664082527e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',5.42296511994209140539e-01,3.31380069837905466556e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 5, 48, 13, 262517), ''password'': ********, ''last_login'': None}"}',5.70145331999810878187e-01,1.79999988176859915256e-05,1,0);
INSERT INTO "signalcli_dispatch" VALUES(2,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',5.7028375499794492498e-01,1.71389983734115958213e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","last_login","password","username"]}',5.70806830000947229564e-01,1.2999997125007212162e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","last_login","password","username"],"created":false}',5.72439502000634092837e-01,1.05348449942539446055e-02,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,7,8945159733232337320,6,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',0.582578099994862,1.29600011860020458698e-05,1,0);
INSERT INTO "signalcli_dispatch" VALUES(2,8,5752851988809962262,6,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',5.82762623998860362917e-01,1.1340001947246491909e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,9,564555515481818720,6,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"]}',5.83210131000669207423e-01,7.59499380365014076232e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,10,7047205604097556131,6,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"],"created":false}',5.84348179996595717966e-01,8.96100391400978e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(2,11,1822051464416124491,NULL,NULL,0,'{"command":"update","exit_code":0}',0.597943861001113,1.64349985425360500812e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,1,7788545648519932321,NULL,NULL,0,'{"command":"notify","arguments":["notify","ada","--robust"]}',1.30552911999984644353e-01,2.99550010822713375091e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',0.22884048299602,3.06290021399036049842e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,3,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',2.40935702000570017844e-01,2.73072000709362328052e-04,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,4,4494060451305843428,3,1,0,'{"note":"line 1\n''line 2''"}',2.41100123996147885918e-01,1.47310056490823626518e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(3,5,7161837803478774301,NULL,NULL,0,'{"command":"notify","exit_code":1}',2.41549831996962893754e-01,1.05139988590963184833e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","other@lovelace.org"]}',2.50441065996710676699e-01,2.82429973594844341278e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',4.31282679994183126837e-01,3.29110043821856379508e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,3,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"UserExists(\"the user ''ada'' exists already; choose another username\")"}',4.72497199996723793447e-01,3.03510023513808846473e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(4,4,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":4}',4.72565524993115104734e-01,1.04340069810859858989e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,1,8496944922985261178,NULL,NULL,0,'{"command":"delete","arguments":["delete","ada"]}',2.58822720999887678772e-01,2.70249947789125144481e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',3.77447459999530110508e-01,4.38139977632090449333e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 5, 48, 13, 262517), ''password'': ********, ''last_login'': None}"}',3.94011643998965155333e-01,2.89589952444657683372e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',3.94144538993714377284e-01,1.15540024125948548316e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,5,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',3.95493450996582396328e-01,1.41909986268728971481e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,6,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',3.9560311799868941307e-01,7.27899896446615457534e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,7,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.96071300994663033634e-01,1.22589990496635437011e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,8,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.96207421996223274618e-01,9.68299718806520104408e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,9,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',4.0638137399946572259e-01,8.4798994066659361124e-05,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,10,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',4.06580902999849058687e-01,6.76499621476978063583e-06,0,0);
INSERT INTO "signalcli_dispatch" VALUES(5,11,1512511176214224928,NULL,NULL,0,'{"command":"delete","exit_code":0}',4.17570297999191097915e-01,1.69179984368383884429e-05,0,0);
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
INSERT INTO "signalcli_response" VALUES(1,8,0,3269329317064723545,4.89744753002014476805e-01,5.61229993763845413923e-04,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,8,1,5997057780721841448,4.90316017996519804e-01,1.11400004243478178977e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,13,0,7729656697100959033,4.91945050001959316432e-01,3.27629968523979187011e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,0,3269329317064723545,5.72505519994592759758e-01,3.03760025417432188987e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,1,5997057780721841448,5.72559811000246554613e-01,1.04068859945982694625e-02,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0,0,0.002);
INSERT INTO "signalcli_response" VALUES(3,3,0,7729656697100959033,2.40982251998502761125e-01,6.04860033490695059299e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(3,3,1,6625456438866345728,2.41052963996480684727e-01,6.82220052112825214862e-05,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(5,9,0,2070945181664123651,4.0642273199773626402e-01,3.81999998353421688079e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
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
INSERT INTO "signalcli_route" VALUES(5997057780721841448,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',26);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1159835310021816916,'command_finished','signalcli.apps.signals.command_finished','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7729656697100959033,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',49);
INSERT INTO "signalcli_route" VALUES(3269329317064723545,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',18);
INSERT INTO "signalcli_route" VALUES(2103934835411515391,'pre_migrate','signalcli.db.signals.pre_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7617834005630992563,'post_migrate','signalcli.db.signals.post_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(564555515481818720,'pre_save','signalcli.db.signals.pre_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8464616720068101607,'connection_created','signalcli.db.signals.connection_created','Engine',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8475159666743634028,'command_started','signalcli.apps.signals.command_started','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(730543732677654486,'command_started','signalcli.apps.signals.command_started','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1822051464416124491,'command_finished','signalcli.apps.signals.command_finished','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7788545648519932321,'command_started','signalcli.apps.signals.command_started','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7161837803478774301,'command_finished','signalcli.apps.signals.command_finished','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(6625456438866345728,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(726191701679261399,'got_command_exception','signalcli.apps.signals.got_command_exception','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1512511176214224928,'command_finished','signalcli.apps.signals.command_finished','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2070945181664123651,'post_delete','signalcli.db.signals.post_delete','Profile','signalcli.core.signals.remove_picture','/app/signalcli/core/signals.py',43);
INSERT INTO "signalcli_route" VALUES(8496944922985261178,'command_started','signalcli.apps.signals.command_started','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2362805195914749742,'post_delete','signalcli.db.signals.post_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1399252812246494484,'pre_delete','signalcli.db.signals.pre_delete','User',NULL,NULL,NULL);
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
INSERT INTO "signalcli_run" VALUES(1,'2026-11-23 05:48:12.795615','2026-11-23 05:48:13.393915','register','signalcli register ada --email ada@lovelace.org',0,5.13424242999462876468e-01,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T05:48:13Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,14,3,0,5.13424242999462876468e-01,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-23 05:48:15.514925','2026-11-23 05:48:16.186971','update','signalcli update ada --last-name Young --delay update_profile=2ms --mute pre_init',0,5.97969561000354588031e-01,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T05:48:13Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,11,2,0,5.97969561000354588031e-01,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-23 05:48:18.510117','2026-11-23 05:48:18.798751','notify','signalcli notify ada --robust',1,2.41569423997134435921e-01,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T05:48:13Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',5,2,1,2.41569423997134435921e-01,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-23 05:48:20.401374','2026-11-23 05:48:20.910957','register','signalcli register ada --email other@lovelace.org',4,4.72589157994661945849e-01,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',4,0,0,4.72589157994661945849e-01,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-23 05:48:22.482759','2026-11-23 05:48:22.930671','delete','signalcli delete ada',0,4.17596676998073235154e-01,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T05:48:13Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,11,1,0,4.17596676998073235154e-01,0);
INSERT INTO "signalcli_run" VALUES(6,'2026-11-23 05:48:24.323072','2026-11-23 05:48:24.577448','register','signalcli register --from users.csv --fail show_notification',1,2.40075213994714431464e-01,0,'Registered 0 users in demo.db: 1 row in 1 batch, 0 skipped, 1 failed','{"rows":1,"done":0,"skipped":0,"failed":1,"batches":1,"errors":[{"line":2,"row":1,"code":"receiver_failed","message":"the receiver signalcli.core.signals.show_notification failed on notification: InjectedFault: raised on purpose"}],"errors_omitted":0,"receivers":[{"receiver":"signalcli.core.signals.create_profile","signal":"post_save","runs":1,"failures":0,"seconds":0.000261},{"receiver":"signalcli.core.signals.update_profile","signal":"post_save","runs":1,"failures":0,"seconds":2e-06},{"receiver":"signalcli.core.signals.show_notification","signal":"notification","runs":1,"failures":1,"seconds":0.001816}]}','receiver_failed','1 of 1 row failed',0,3,1,NULL,1);
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
INSERT INTO "signalcli_schema" VALUES('log',3);
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
INSERT INTO "signalcli_total" VALUES(6,0,'signalcli.core.signals.create_profile','post_save','signalcli.db.signals.post_save',1,0,2.60677996266167610883e-04);
INSERT INTO "signalcli_total" VALUES(6,1,'signalcli.core.signals.update_profile','post_save','signalcli.db.signals.post_save',1,0,2.15500040212646126747e-06);
INSERT INTO "signalcli_total" VALUES(6,2,'signalcli.core.signals.show_notification','notification','signalcli.core.signals.notification',1,1,1.81610500294482335448e-03);
CREATE INDEX ix_signalcli_run_ended ON signalcli_run (ended);
CREATE INDEX signalcli_run_failed ON signalcli_run (is_failed, run) WHERE is_failed = 1;
CREATE INDEX signalcli_run_user_of ON signalcli_run_user (run);
CREATE INDEX signalcli_dispatch_route ON signalcli_dispatch (route, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX ix_signalcli_checkpoint_written ON signalcli_checkpoint (written);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',6);
INSERT INTO "sqlite_sequence" VALUES('signalcli_checkpoint',1);
COMMIT;
