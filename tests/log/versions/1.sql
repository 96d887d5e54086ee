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
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',1.53146471000582096166e-01,3.33160005538957193493e-05);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.53522478000013506971e-01,1.2146001608925871551e-05);
INSERT INTO "signalcli_dispatch" VALUES(1,3,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',1.53959463001228868961e-01,1.2745000276481732726e-05);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',1.55315525000332854688e-01,9.40923600137466564774e-03);
INSERT INTO "signalcli_dispatch" VALUES(1,5,8945159733232337320,4,0,0,'{"args":[],"kwargs":"{''user'': <User ada>, ''first_name'': '''', ''last_name'': ''''}"}',1.55470704001345438882e-01,8.92099888005759567022e-06);
INSERT INTO "signalcli_dispatch" VALUES(1,6,5752851988809962262,4,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>"}',1.55923610000172629952e-01,9.70100154518149793148e-06);
INSERT INTO "signalcli_dispatch" VALUES(1,7,564555515481818720,4,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',1.6246082700126862619e-01,1.74910001078387722373e-05);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7047205604097556131,4,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',1.64637571000639582052e-01,1.46940001286566257476e-05);
INSERT INTO "signalcli_dispatch" VALUES(1,9,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',1.64772424001057515852e-01,4.70409995614318177103e-05);
INSERT INTO "signalcli_dispatch" VALUES(2,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 22, 23, 32, 48, 527603)}"}',1.0474871099904703442e-01,2.64110003627138212323e-05);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.04876936999062309041e-01,1.01219993666745722293e-05);
INSERT INTO "signalcli_dispatch" VALUES(2,3,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","username"]}',1.05307486999663524329e-01,1.17239997052820399403e-05);
INSERT INTO "signalcli_dispatch" VALUES(2,4,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","username"],"created":false}',1.10714020998784690164e-01,3.10296499992546159774e-03);
INSERT INTO "signalcli_dispatch" VALUES(2,5,8945159733232337320,4,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',0.112142223999399,1.29729996842797845602e-05);
INSERT INTO "signalcli_dispatch" VALUES(2,6,5752851988809962262,4,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',1.12308834999566897749e-01,8.27399890113156288862e-06);
INSERT INTO "signalcli_dispatch" VALUES(2,7,564555515481818720,4,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"]}',1.12667592999059706926e-01,8.38199957797769457101e-06);
INSERT INTO "signalcli_dispatch" VALUES(2,8,7047205604097556131,4,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"],"created":false}',1.13758458999654976651e-01,1.36199996632058173418e-05);
INSERT INTO "signalcli_dispatch" VALUES(3,1,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',0.0938640749991464,2.4025099992286413908e-04);
INSERT INTO "signalcli_dispatch" VALUES(3,2,4494060451305843428,1,1,0,'{"note":"line 1\n''line 2''"}',9.40002159986761398613e-02,1.36260005092481151223e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 22, 23, 32, 48, 527603)}"}',1.07242709000274771824e-01,2.90799998765578493475e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.07379914999910397455e-01,1.07579999166773632168e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,3,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',1.08972744999846327118e-01,1.44839996210066601634e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,4,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',1.09092136999606736935e-01,7.81000017013866454362e-06);
INSERT INTO "signalcli_dispatch" VALUES(5,5,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',1.09527923999849008396e-01,1.27090006571961566805e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,6,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',1.09667508000711677595e-01,6.38900019112043082714e-06);
INSERT INTO "signalcli_dispatch" VALUES(5,7,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',1.11274180000691558234e-01,1.72889995155856e-05);
INSERT INTO "signalcli_dispatch" VALUES(5,8,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',1.1140850499941734597e-01,1.20700005936669185757e-05);
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
	PRIMARY KEY (run, seq, place)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_response" VALUES(1,4,0,6444741488306951584,1.5535617100067611318e-01,9.33984800030884798616e-03,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0);
INSERT INTO "signalcli_response" VALUES(1,4,1,4328350706986176185,1.64710940000077243894e-01,1.01440000435104593634e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0);
INSERT INTO "signalcli_response" VALUES(1,9,0,5648141736046508515,1.64792974001102265901e-01,2.35000006796326488256e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0);
INSERT INTO "signalcli_response" VALUES(2,4,0,6444741488306951584,1.10758693999741808511e-01,1.79389990080380812287e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0);
INSERT INTO "signalcli_response" VALUES(2,4,1,4328350706986176185,1.10784632999639143235e-01,3.02789399938774295151e-03,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0);
INSERT INTO "signalcli_response" VALUES(3,1,0,5648141736046508515,9.39129649996175430715e-02,4.00930002797395e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0);
INSERT INTO "signalcli_response" VALUES(3,1,1,5339819082836761871,9.39611550002155127003e-02,5.94729990552878e-05,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0);
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
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4328350706986176185,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',21);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(564555515481818720,'pre_save','signalcli.db.signals.pre_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(6444741488306951584,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',12);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5648141736046508515,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',33);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5339819082836761871,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2362805195914749742,'post_delete','signalcli.db.signals.post_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
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
INSERT INTO "signalcli_run" VALUES(1,'2026-11-22 23:32:48.374308','2026-11-22 23:32:48.572960','register','signalcli register ada --email ada@lovelace.org',0,1.89466535000974545255e-01,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-22T23:32:48Z","profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,9,3,0,1.7798320500151021406e-01,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-22 23:32:49.193871','2026-11-22 23:32:49.333441','update','signalcli update ada --last-name Young',0,1.34762824998688302002e-01,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-22T23:32:48Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,8,2,0,1.22325581998666166327e-01,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-22 23:32:49.983465','2026-11-22 23:32:50.094189','notify','signalcli notify ada --robust',1,1.05902047998824855312e-01,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-22T23:32:48Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',2,2,1,0.0944103299989365,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-22 23:32:50.706610','2026-11-22 23:32:50.852644','register','signalcli register ada --email other@lovelace.org',4,1.37065128999893204309e-01,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',0,0,0,1.35359525998865137808e-01,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-22 23:32:51.488345','2026-11-22 23:32:51.629230','delete','signalcli delete ada',0,1.32993233000888722017e-01,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-22T23:32:48Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,8,0,0,1.16734241000813199207e-01,0);
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
INSERT INTO "signalcli_schema" VALUES('log',1);
CREATE INDEX ix_signalcli_run_ended ON signalcli_run (ended);
CREATE INDEX signalcli_run_failed ON signalcli_run (is_failed, run) WHERE is_failed = 1;
CREATE INDEX signalcli_run_user_of ON signalcli_run_user (run);
CREATE INDEX signalcli_dispatch_route ON signalcli_dispatch (route, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',5);
COMMIT;
