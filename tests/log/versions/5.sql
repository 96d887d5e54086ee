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
	output_before INTEGER, 
	PRIMARY KEY (run, seq)
)
 WITHOUT ROWID

;
INSERT INTO "signalcli_dispatch" VALUES(1,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","ada@lovelace.org"]}',7.38815653999154164921e-01,9.79640008154092356562e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',8.85978029999932914506e-01,6.02329992034356109797e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,3,2103934835411515391,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',9.17913064999993366654e-01,5.3610999202646780759e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,4,7617834005630992563,NULL,NULL,0,'{"app_config":"<CoreConfig core>","verbosity":1,"interactive":false,"using":"sqlite:///demo.db","plan":["create table core_user","create table core_profile"],"apps":"<signalcli.apps.registry.Apps>","connection":"<sqlalchemy.engine.base.Connection>"}',9.54172222999659425113e-01,1.07652000224334187805e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,5,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''ada'', ''email'': ''ada@lovelace.org''}"}',1.00168335699981980724e+00,1.02551999589195474982e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,6,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.00281467900003917748e+00,3.60979993274668231606e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,7,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',1.00428968599953805096e+00,4.11270002587116323411e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,8,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',1.06401958099922921974e+00,3.05286669999986770562e-02,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,9,8945159733232337320,8,0,0,'{"args":[],"kwargs":"{''user_id'': 1, ''first_name'': '''', ''last_name'': ''''}"}',1.06462103899957583053e+00,2.82650819999616942368e-02,0,0,NULL,0);
INSERT INTO "signalcli_dispatch" VALUES(1,10,5752851988809962262,8,0,0,'{"instance":"<Profile id=None, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',1.09411696899951493833e+00,3.08979997498681768774e-05,0,0,NULL,0);
INSERT INTO "signalcli_dispatch" VALUES(1,11,564555515481818720,8,0,0,'{"instance":"<Profile id=None, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',1.09549534500001755077e+00,2.68699996013310737907e-05,0,0,NULL,18);
INSERT INTO "signalcli_dispatch" VALUES(1,12,7047205604097556131,8,0,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',1.1401476969995201216e+00,5.57639996259240433573e-05,0,0,NULL,18);
INSERT INTO "signalcli_dispatch" VALUES(1,13,739451958193259410,NULL,NULL,0,'{"email":"ada@lovelace.org","username":"ada"}',1.14050948499971127603e+00,2.8419952000149351079e-02,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(1,14,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":0}',1.28589374599960137857e+00,4.00850003643427044153e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,1,730543732677654486,NULL,NULL,0,'{"command":"update","arguments":["update","ada","--last-name","Young","--delay","update_profile=2ms","--mute","pre_init"]}',1.03315738800029066624e+00,5.95010005781659856438e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',1.15137643000070966081e+00,5.43119995199958793818e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 28, 17, 47, 25, 651737), ''password'': ''********'', ''last_login'': None}"}',1.31265870300012466032e+00,3.42740004271036e-05,1,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',1.31292310900062147993e+00,2.70410000666743144392e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":["date_joined","email","last_login","password","username"],"session":"<signalcli.db.session.Session>"}',1.35155190100067557068e+00,4.49339995611808262765e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User ada>","raw":false,"using":"sqlite:///demo.db","update_fields":["date_joined","email","last_login","password","username"],"session":"<signalcli.db.session.Session>","created":false}',1.35728009600006771506e+00,6.82007060004252707585e-02,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(2,7,8945159733232337320,6,1,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': '''', ''profile_pic'': ''x''}"}',1.42441374000009091105e+00,3.89229999200324527919e-05,1,0,NULL,0);
INSERT INTO "signalcli_dispatch" VALUES(2,8,5752851988809962262,6,1,0,'{"instance":"<Profile id=1, user_id=1, first_name='''', last_name='''', profile_pic=''x''>"}',1.42483496000022569205e+00,2.05080004889168776571e-05,0,0,NULL,0);
INSERT INTO "signalcli_dispatch" VALUES(2,9,564555515481818720,6,1,0,'{"instance":"<Profile Young>","raw":false,"using":"sqlite:///demo.db","update_fields":["last_name"],"session":"<signalcli.db.session.Session>"}',1.48503087900007813004e+00,3.78110007659415714442e-05,0,0,NULL,17);
INSERT INTO "signalcli_dispatch" VALUES(2,10,7047205604097556131,6,1,0,'{"instance":"<Profile Young>","raw":false,"using":"sqlite:///demo.db","update_fields":["last_name"],"session":"<signalcli.db.session.Session>","created":false}',1.50858774800053652143e+00,2.54579999818815849721e-05,0,0,NULL,17);
INSERT INTO "signalcli_dispatch" VALUES(2,11,1822051464416124491,NULL,NULL,0,'{"command":"update","exit_code":0}',1.60478688400053215445e+00,1.68616999872028827667e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,1,7788545648519932321,NULL,NULL,0,'{"command":"notify","arguments":["notify","ada","--robust"]}',1.60407893000410695094e-01,5.87200001973542384803e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',3.28932000999884621705e-01,2.00316000700695440173e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,3,739451958193259410,NULL,NULL,1,'{"email":"ada@lovelace.org","username":"ada"}',4.49496172000181104522e-01,8.34254999972472433e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(3,4,4494060451305843428,3,1,0,'{"note":"line 1\n''line 2''"}',4.50048228000014205463e-01,2.72209999820915982127e-05,0,0,NULL,14);
INSERT INTO "signalcli_dispatch" VALUES(3,5,7161837803478774301,NULL,NULL,0,'{"command":"notify","exit_code":1}',4.51604968000538065098e-01,2.34839999393443576991e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","ada","--email","other@lovelace.org"]}',7.15203251000275486148e-01,8.61110002006171271204e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',8.33521909999944909941e-01,1.32889000269642565399e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,3,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"UserExists(\"the user ''ada'' exists already; choose another username\")"}',9.26842355999724532011e-01,6.96410006639780476689e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(4,4,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":4}',9.27041228999769373331e-01,2.1571000615949742496e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,1,8496944922985261178,NULL,NULL,0,'{"command":"delete","arguments":["delete","ada"]}',4.33057595000718720257e-01,1.03756529997554025612e-02,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',0.508027408000089,6.67949998387484811246e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''username'': ''ada'', ''email'': ''ada@lovelace.org'', ''date_joined'': datetime.datetime(2026, 11, 28, 17, 47, 25, 651737), ''password'': ''********'', ''last_login'': None}"}',6.51597335000587918329e-01,7.71340000937925651669e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User ada>"}',6.5199565200055076275e-01,2.79719997706706635653e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,5,8945159733232337320,NULL,NULL,0,'{"args":[],"kwargs":"{''id'': 1, ''user_id'': 1, ''first_name'': '''', ''last_name'': ''Young'', ''profile_pic'': ''x''}"}',0.718883845000164,8.89570001163519918918e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,6,5752851988809962262,NULL,NULL,0,'{"instance":"<Profile Young>"}',7.19200608999926771502e-01,2.0598999981302767992e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,7,5182317653423522473,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',7.44827821999933803454e-01,1.43028000820777378976e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,8,1399252812246494484,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',7.45481689000371261499e-01,2.29229999604285694658e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,9,2362805195914749742,NULL,NULL,0,'{"instance":"<Profile Young>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',7.75358853999932762235e-01,1.89325000064854975789e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,10,2290707419457894311,NULL,NULL,0,'{"instance":"<User ada>","using":"sqlite:///demo.db","origin":"<User ada>","session":"<signalcli.db.session.Session>"}',0.775778401000025,1.38860004881280474364e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(5,11,1512511176214224928,NULL,NULL,0,'{"command":"delete","exit_code":0}',8.34439181000561802648e-01,4.68369998998241499066e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,1,8475159666743634028,NULL,NULL,0,'{"command":"register","arguments":["register","eve","--email","eve@mail.com","--fail","create_profile"]}',4.52377035999234067276e-01,1.27018000057432800531e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,2,8464616720068101607,NULL,NULL,0,'{"connection":"<sqlite3.Connection>","using":"sqlite:///demo.db"}',5.08122365999952307902e-01,1.00498999927367549389e-04,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,3,1537381363853403803,NULL,NULL,0,'{"args":[],"kwargs":"{''username'': ''eve'', ''email'': ''eve@mail.com''}"}',5.82271749999563326127e-01,8.02309996288386173546e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,4,8650668015357010621,NULL,NULL,0,'{"instance":"<User eve>"}',5.83377343999927688855e-01,4.00949993490939959883e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,5,4203304608755476863,NULL,NULL,0,'{"instance":"<User eve>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>"}',5.84754135999901336617e-01,2.92260001515387557446e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,6,7810454642137536601,NULL,NULL,0,'{"instance":"<User eve>","raw":false,"using":"sqlite:///demo.db","update_fields":null,"session":"<signalcli.db.session.Session>","created":true}',6.19610712999929091893e-01,2.66126199949212605133e-03,0,0,'["signalcli.core.signals.update_profile"]',NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,7,726191701679261399,NULL,NULL,0,'{"command":"register","exception":"InjectedFault(''raised on purpose'')"}',6.23755977999280730728e-01,4.88120003865333274006e-05,0,0,NULL,NULL);
INSERT INTO "signalcli_dispatch" VALUES(7,8,1159835310021816916,NULL,NULL,0,'{"command":"register","exit_code":1}',6.23880421999274403788e-01,5.07350005136686377227e-05,0,0,NULL,NULL);
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
INSERT INTO "signalcli_response" VALUES(1,8,0,6579398537698039477,1.06414577699979417957e+00,3.03057399996760068461e-02,1,0,'null',NULL,NULL,NULL,NULL,'Profile Created !
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,8,1,5300827644380971470,1.09451740099939343053e+00,2.39740002143662422895e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(1,13,0,3682770558260713328,1.14060748899919417453e+00,2.83032930001354543492e-02,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,0,6579398537698039477,1.35741278500063344836e+00,3.36029997924924828112e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(2,6,1,5300827644380971470,1.35748627300017687957e+00,6.79725970003346446901e-02,1,0,'null',NULL,NULL,NULL,NULL,'Profile Updated!
',0,0,0.002);
INSERT INTO "signalcli_response" VALUES(3,3,0,3682770558260713328,4.4963297899994358886e-01,3.05032000142091419547e-04,1,0,'null',NULL,NULL,NULL,NULL,'Sender: User
Hello ada <ada@lovelace.org>
Notified
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(3,3,1,8185754904446361738,4.49961164000342250801e-01,1.24934999803372193127e-04,1,1,'null','RuntimeError','no ink','/app/driver.py',11,'audited Zoë 😀
',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(5,9,0,2370484184997920701,7.75478958999883616343e-01,6.07140000283834524452e-05,1,0,'null',NULL,NULL,NULL,NULL,'',0,NULL,NULL);
INSERT INTO "signalcli_response" VALUES(7,6,0,6579398537698039477,6.1982132799948885804e-01,2.25857700024789664894e-03,1,1,'null','InjectedFault','raised on purpose','',0,'',0,1,0.0);
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
INSERT INTO "signalcli_route" VALUES(739451958193259410,'notification','signalcli.core.signals.notification','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1159835310021816916,'command_finished','signalcli.apps.signals.command_finished','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1537381363853403803,'pre_init','signalcli.db.signals.pre_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2103934835411515391,'pre_migrate','signalcli.db.signals.pre_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(3682770558260713328,'notification','signalcli.core.signals.notification','User','signalcli.core.signals.show_notification','/app/signalcli/core/signals.py',54);
INSERT INTO "signalcli_route" VALUES(4203304608755476863,'pre_save','signalcli.db.signals.pre_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(5300827644380971470,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.update_profile','/app/signalcli/core/signals.py',28);
INSERT INTO "signalcli_route" VALUES(5752851988809962262,'post_init','signalcli.db.signals.post_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(6579398537698039477,'post_save','signalcli.db.signals.post_save','User','signalcli.core.signals.create_profile','/app/signalcli/core/signals.py',19);
INSERT INTO "signalcli_route" VALUES(7047205604097556131,'post_save','signalcli.db.signals.post_save','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7617834005630992563,'post_migrate','signalcli.db.signals.post_migrate','<CoreConfig core>',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7810454642137536601,'post_save','signalcli.db.signals.post_save','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8464616720068101607,'connection_created','signalcli.db.signals.connection_created','Engine',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8475159666743634028,'command_started','signalcli.apps.signals.command_started','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8650668015357010621,'post_init','signalcli.db.signals.post_init','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8945159733232337320,'pre_init','signalcli.db.signals.pre_init','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(730543732677654486,'command_started','signalcli.apps.signals.command_started','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1822051464416124491,'command_finished','signalcli.apps.signals.command_finished','update',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(4494060451305843428,'audited','__main__.audited','Audit',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7161837803478774301,'command_finished','signalcli.apps.signals.command_finished','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(7788545648519932321,'command_started','signalcli.apps.signals.command_started','notify',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8185754904446361738,'notification','signalcli.core.signals.notification','User','__main__.audit','/app/driver.py',8);
INSERT INTO "signalcli_route" VALUES(726191701679261399,'got_command_exception','signalcli.apps.signals.got_command_exception','register',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1399252812246494484,'pre_delete','signalcli.db.signals.pre_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(1512511176214224928,'command_finished','signalcli.apps.signals.command_finished','delete',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2290707419457894311,'post_delete','signalcli.db.signals.post_delete','User',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2362805195914749742,'post_delete','signalcli.db.signals.post_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(2370484184997920701,'post_delete','signalcli.db.signals.post_delete','Profile','signalcli.core.signals.remove_picture','/app/signalcli/core/signals.py',48);
INSERT INTO "signalcli_route" VALUES(5182317653423522473,'pre_delete','signalcli.db.signals.pre_delete','Profile',NULL,NULL,NULL);
INSERT INTO "signalcli_route" VALUES(8496944922985261178,'command_started','signalcli.apps.signals.command_started','delete',NULL,NULL,NULL);
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
INSERT INTO "signalcli_run" VALUES(1,'2026-11-28 17:47:24.649598','2026-11-28 17:47:26.149125','register','signalcli register ada --email ada@lovelace.org',0,1.28596299499986344017e+00,0,'Registered ada in demo.db. Sent notification','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T17:47:25Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"","profile_pic":"x"}}',NULL,NULL,14,3,0,1.28596299499986344017e+00,0);
INSERT INTO "signalcli_run" VALUES(2,'2026-11-28 17:47:38.980071','2026-11-28 17:47:40.676528','update','signalcli update ada --last-name Young --delay update_profile=2ms --mute pre_init',0,1.60498849300074653001e+00,0,'Updated ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T17:47:25Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"changed":true}',NULL,NULL,11,2,0,1.60498849300074653001e+00,0);
INSERT INTO "signalcli_run" VALUES(3,'2026-11-28 17:47:58.225281','2026-11-28 17:47:58.824629','notify','signalcli notify ada --robust',1,4.5165549300054408377e-01,0,'Sent notification for ada in demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T17:47:25Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"},"failed":1}','receiver_failed','the receiver __main__.audit failed on notification: RuntimeError: no ink (driver.py:11); the others ran',5,2,1,4.5165549300054408377e-01,1);
INSERT INTO "signalcli_run" VALUES(4,'2026-11-28 17:48:11.877427','2026-11-28 17:48:12.872444','register','signalcli register ada --email other@lovelace.org',4,9.27093115999923611525e-01,0,'',NULL,'exists','the user ''ada'' exists already; choose another username',4,0,0,9.27093115999923611525e-01,1);
INSERT INTO "signalcli_run" VALUES(5,'2026-11-28 17:48:25.713153','2026-11-28 17:48:26.635470','delete','signalcli delete ada',0,8.34512889000507129821e-01,0,'Deleted ada from demo.db','{"username":"ada","email":"ada@lovelace.org","date_joined":"2026-11-28T17:47:25Z","last_login":null,"has_password":false,"profile":{"first_name":"","last_name":"Young","profile_pic":"x"}}',NULL,NULL,11,1,0,8.34512889000507129821e-01,0);
INSERT INTO "signalcli_run" VALUES(6,'2026-11-28 17:48:36.214690','2026-11-28 17:48:37.041719','register','signalcli register --from users.csv --fail show_notification',1,1.3048055219996967935e+00,0,'Registered 0 users in demo.db: 1 row in 1 batch, 0 skipped, 1 failed','{"rows":1,"done":0,"skipped":0,"failed":1,"batches":1,"errors":[{"line":2,"row":1,"code":"receiver_failed","message":"the receiver signalcli.core.signals.show_notification failed on notification: InjectedFault: raised on purpose","values":{"username":"bob","email":"bob@mail.com"}}],"errors_omitted":0,"receivers":[{"receiver":"signalcli.core.signals.create_profile","signal":"post_save","runs":1,"failures":0,"seconds":0.000919},{"receiver":"signalcli.core.signals.update_profile","signal":"post_save","runs":1,"failures":0,"seconds":6e-06},{"receiver":"signalcli.core.signals.show_notification","signal":"notification","runs":1,"failures":1,"seconds":0.002986}]}','receiver_failed','1 of 1 row failed',0,3,1,NULL,1);
INSERT INTO "signalcli_run" VALUES(7,'2026-11-28 17:48:43.300258','2026-11-28 17:48:43.965662','register','signalcli register eve --email eve@mail.com --fail create_profile',1,6.23954570999558200128e-01,1,'',NULL,'receiver_failed','the receiver signalcli.core.signals.create_profile failed on post_save of User: InjectedFault: raised on purpose; nothing was written',8,1,1,6.23954570999558200128e-01,1);
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
INSERT INTO "signalcli_schema" VALUES('log',5);
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
INSERT INTO "signalcli_total" VALUES(6,0,'signalcli.core.signals.create_profile','post_save','signalcli.db.signals.post_save',1,0,0.000919023999813362);
INSERT INTO "signalcli_total" VALUES(6,1,'signalcli.core.signals.update_profile','post_save','signalcli.db.signals.post_save',1,0,5.98099995841039344668e-06);
INSERT INTO "signalcli_total" VALUES(6,2,'signalcli.core.signals.show_notification','notification','signalcli.core.signals.notification',1,1,2.98602200018649455159e-03);
CREATE INDEX signalcli_dispatch_route ON signalcli_dispatch (route, run);
CREATE INDEX signalcli_response_route ON signalcli_response (route, run);
CREATE INDEX signalcli_response_failed ON signalcli_response (route, is_failed, run) WHERE is_failed = 1;
CREATE INDEX signalcli_response_seconds ON signalcli_response (route, seconds, run);
CREATE INDEX signalcli_run_failed ON signalcli_run (is_failed, run) WHERE is_failed = 1;
CREATE INDEX ix_signalcli_run_ended ON signalcli_run (ended);
CREATE INDEX signalcli_run_user_of ON signalcli_run_user (run);
CREATE INDEX ix_signalcli_checkpoint_written ON signalcli_checkpoint (written);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('signalcli_run',7);
INSERT INTO "sqlite_sequence" VALUES('signalcli_checkpoint',1);
COMMIT;
