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
	muted BOOLEAN, 
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',4.44175463002466131001e-01,4.33249988418538123369e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',4.44645003000914584845e-01,2.1592000848613679409e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,3,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',4.45117588002176489681e-01,1.52149987115990370512e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',4.46619615002418868243e-01,0.0502173219974793,0);
INSERT INTO "signalcli_dispatch" VALUES(1,5,8945159733232337320,4,0,0,'{"args":[],"kwargs":"{''user'': <User ada>, ''first_name'': '''', ''last_name'': ''''}"}',4.66920116003166185691e-01,3.8581998524023219943e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,6,5752851988809962262,4,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>"}',4.67473039003380108624e-01,1.29979998746421188116e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,7,564555515481818720,4,0,0,'{"instance":"<Profile id=None, user_id=None, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null}',4.70268922999821370467e-01,1.60720010171644389629e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7047205604097556131,4,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":null,"created":true}',4.96711944000708172097e-01,2.26330012083053588867e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(1,9,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',4.96895917000074405223e-01,5.50149998161941766738e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(2,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 2, 22, 34, 145576)}"}',0.490317125000729,2.68589974439237266778e-05,1);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',4.90471977998822694644e-01,1.80770002771168947219e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(2,3,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","username"]}',4.91024797000136459246e-01,1.41559976327698677778e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(2,4,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["date_joined","email","username"],"created":false}',4.92348253999807639047e-01,8.61769699986325576901e-03,0);
INSERT INTO "signalcli_dispatch" VALUES(2,5,8945159733232337320,4,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',4.98919516998284962028e-01,1.94599997485056519508e-05,1);
INSERT INTO "signalcli_dispatch" VALUES(2,6,5752851988809962262,4,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',4.99124243000551359727e-01,1.09209977381397038698e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(2,7,564555515481818720,4,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"]}',4.99606042998493649065e-01,1.18810021376702934503e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(2,8,7047205604097556131,4,1,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","raw":false,"update_fields":["last_name"],"created":false}',5.00892735999514115974e-01,1.523600076325237751e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(3,1,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',3.25315696998586645349e-01,2.81559001450659707188e-04,0);
INSERT INTO "signalcli_dispatch" VALUES(3,2,4494060451305843428,1,1,0,'{"note":"line 1\n''line 2''"}',3.25473410997801693156e-01,1.45940030051860958337e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,1,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 23, 2, 22, 34, 145576)}"}',3.26658059999317629262e-01,3.39969992637634277343e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',3.26804647000244585797e-01,1.1429998266976326704e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,3,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',3.36499395998544059693e-01,2.4744000256760045886e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,4,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',3.36647028998413588851e-01,9.48500019148923456668e-06,0);
INSERT INTO "signalcli_dispatch" VALUES(5,5,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.37106021997897187247e-01,1.47220016515348106622e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,6,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.37252475997956935316e-01,7.73100327933207154273e-06,0);
INSERT INTO "signalcli_dispatch" VALUES(5,7,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.39024910001171519979e-01,2.04649986699223518371e-05,0);
INSERT INTO "signalcli_dispatch" VALUES(5,8,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","session":"<signalcli.db.session.Session>","origin":"<User ada>"}',3.39158718998078256845e-01,1.2001000868622213602e-05,0);
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
INSERT INTO "signalcli_response" VALUES(1,4,0,4219146954619987040,4.46664355000393697991e-01,5.01280940006836317479e-02,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,4,1,183551108744907150,4.96818429000995820388e-01,1.35619993670843541622e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,9,0,4958489854732495081,4.96920011002657702192e-01,2.68059993686620146036e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,4,0,4219146954619987040,4.92431200000282842665e-01,2.02139999601058661937e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,4,1,183551108744907150,4.92467399999441113322e-01,8.49127200126531533896e-03,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0,0,0.002);
INSERT INTO "signalcli_response" VALUES(3,1,0,4958489854732495081,3.25371332997747231274e-01,4.90840029669925570487e-05,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(3,1,1,7843350512717711400,3.25430801000038627535e-01,6.53030001558363437652e-05,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0,NULL,NULL);
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
INSERT INTO "signalcli_route" VALUES(564555515481818720,'pre_save','signalcli.db.signals.pre_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4219146954619987040,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',12);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4958489854732495081,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',33);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(183551108744907150,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',21);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7843350512717711400,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1399252812246494484,'pre_delete','signalcli.db.signals.pre_delete','User',NULL,NULL,NULL);
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
INSERT INTO "signalcli_run" VALUES(1,'2026-11-23 02:22:33.701219','2026-11-23 02:22:34.305189','register','signalcli register ada --email ada@lovelace.org',0,5.28348242001811740919e-01,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T02:22:34Z","profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,9,3,0,5.28348242001811740919e-01,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-23 02:22:36.338937','2026-11-23 02:22:36.954808','update','signalcli update ada --last-name Young --delay update_profile=2ms --mute pre_init',0,5.42136331998335663229e-01,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T02:22:34Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,8,2,0,5.42136331998335663229e-01,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-23 02:22:39.109677','2026-11-23 02:22:39.479181','notify','signalcli notify ada --robust',1,3.25950824000756256282e-01,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T02:22:34Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',2,2,1,3.25950824000756256282e-01,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-23 02:22:41.589985','2026-11-23 02:22:42.146770','register','signalcli register ada --email other@lovelace.org',4,0.506955889002711,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',0,0,0,0.506955889002711,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-23 02:22:44.756602','2026-11-23 02:22:45.153357','delete','signalcli delete ada',0,3.55671795998205197975e-01,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-23T02:22:34Z","profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,8,0,0,3.55671795998205197975e-01,0);
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
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',5);
COMMIT;
