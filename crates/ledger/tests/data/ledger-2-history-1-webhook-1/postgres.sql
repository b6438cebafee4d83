-- Ledger and history of the program of commit 1025a8021ac0, which wrote it itself on PostgreSQL 15,
-- with its clock in the year 2100.


SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA caviada;

CREATE SCHEMA caviada_history;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE caviada.api_key (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.host (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.journal (
    revision bigint NOT NULL,
    at bigint NOT NULL,
    total bigint NOT NULL,
    ended bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.lease (
    id bigint NOT NULL,
    state bigint NOT NULL,
    fence bigint NOT NULL,
    members text NOT NULL COLLATE pg_catalog."C",
    earmarks text NOT NULL COLLATE pg_catalog."C",
    granted_at bigint,
    deadline bigint,
    deadline_max bigint,
    wait_until bigint,
    poll_until bigint,
    swaps bigint NOT NULL,
    revision bigint NOT NULL,
    number bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.meta (
    id bigint NOT NULL,
    epoch bigint NOT NULL,
    revision bigint NOT NULL,
    at bigint NOT NULL,
    counter bigint NOT NULL,
    events bigint NOT NULL,
    installation text NOT NULL COLLATE pg_catalog."C",
    rolled_back bigint NOT NULL,
    CONSTRAINT meta_id_check CHECK ((id = 1))
)
WITH (fillfactor='70');

CREATE TABLE caviada.migration (
    number bigint NOT NULL,
    oldest bigint NOT NULL,
    checksum text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.outcome (
    principal bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    lease bigint,
    until bigint
)
WITH (fillfactor='70');

CREATE TABLE caviada.pool (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.quota (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.resource (
    id bigint NOT NULL,
    state bigint NOT NULL,
    generation bigint NOT NULL,
    attempt bigint NOT NULL,
    open bigint NOT NULL,
    deadline bigint,
    lease bigint,
    earmark bigint,
    fence bigint NOT NULL,
    after text COLLATE pg_catalog."C",
    health bigint NOT NULL,
    cooling_until bigint,
    freed_at bigint NOT NULL,
    born_at bigint NOT NULL,
    uses bigint NOT NULL,
    tries bigint NOT NULL,
    retire_at bigint,
    cause text COLLATE pg_catalog."C",
    withheld text COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    number bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE caviada.resource_doc (
    id bigint NOT NULL,
    pool bigint NOT NULL,
    origin text NOT NULL COLLATE pg_catalog."C",
    doc text NOT NULL COLLATE pg_catalog."C",
    outputs text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.template (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada.webhook (
    id bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.history_migration (
    number bigint NOT NULL,
    oldest bigint NOT NULL,
    checksum text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.lease_history (
    id bigint NOT NULL,
    owners text NOT NULL COLLATE pg_catalog."C",
    principal bigint,
    priority bigint NOT NULL,
    asked_at bigint NOT NULL,
    granted_at bigint,
    ended_at bigint,
    how text COLLATE pg_catalog."C",
    fence bigint NOT NULL,
    pools text NOT NULL COLLATE pg_catalog."C",
    members text NOT NULL COLLATE pg_catalog."C",
    marked text NOT NULL COLLATE pg_catalog."C",
    labels text NOT NULL COLLATE pg_catalog."C",
    note text COLLATE pg_catalog."C",
    first bigint NOT NULL,
    last bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.lease_of (
    subject bigint NOT NULL,
    lease bigint NOT NULL
);

CREATE TABLE caviada_history.mark (
    id bigint NOT NULL,
    revision bigint NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT mark_id_check CHECK ((id = 1))
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.member (
    id bigint NOT NULL,
    pool bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    gone_at bigint
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.posting (
    subject bigint NOT NULL,
    revision bigint NOT NULL
);

CREATE TABLE caviada_history.webhook_mark (
    id bigint NOT NULL,
    revision bigint NOT NULL,
    number bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE caviada_history.webhook_migration (
    number bigint NOT NULL,
    oldest bigint NOT NULL,
    checksum text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='70');

INSERT INTO caviada.api_key VALUES (1, '{"id":"key_0000000000001","name":"admin","role":"admin","owner":"admin","groups":[],"act_for":[],"hash":[160,72,74,97,133,179,36,226,243,85,25,79,51,68,130,252,121,25,76,216,5,24,81,85,221,207,104,4,253,185,9,10],"declared_in":null,"expires_at":null,"made_at":4102444841555,"changed":{"revision":1,"index":0}}');
INSERT INTO caviada.api_key VALUES (28, '{"id":"key_000000000000w","name":"ci","role":"user","owner":"ci","groups":["staff"],"act_for":["machines"],"hash":[18,133,122,224,19,12,223,81,221,16,94,202,144,32,189,88,235,126,114,103,250,161,21,136,207,154,110,145,16,72,61,77],"declared_in":null,"expires_at":null,"made_at":4102444841978,"changed":{"revision":17,"index":0}}');
INSERT INTO caviada.api_key VALUES (29, '{"id":"key_000000000000x","name":"ops","role":"operator","owner":"olga","groups":[],"act_for":[],"hash":[191,173,0,24,155,179,105,187,22,150,240,216,91,18,217,191,151,85,44,217,135,56,31,199,109,184,157,203,109,195,65,251],"declared_in":null,"expires_at":4102531241989,"made_at":4102444841999,"changed":{"revision":18,"index":0}}');

INSERT INTO caviada.host VALUES (21, '{"id":"host_000000000000n","name":"here","spec":{"driver":"process","address":"","options":{},"reach":"127.0.0.1","capacity":8,"schedulable":true,"autofill":false,"ports":{"first":21000,"last":21999,"block":4},"network":null,"builds_max":4,"attributes":{"zone":"a"},"labels":{"room":"o''hara''s \"5\" – 🐎"},"declared_in":null,"lost_after_ms":300000},"seen":true,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{"pool_000000000000v":{"cause":"not_ready","tries":1,"until":4102444847163}},"made_at":4102444841828,"changed":{"revision":29,"index":0}}');
INSERT INTO caviada.host VALUES (22, '{"id":"host_000000000000p","name":"away","spec":{"driver":"docker","address":"ssh://root@127.0.0.1:1","options":{},"reach":"","capacity":1,"schedulable":false,"autofill":false,"ports":null,"network":null,"builds_max":4,"attributes":{},"labels":{},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":4102445143080,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102444841900,"changed":{"revision":60,"index":0}}');

INSERT INTO caviada.journal VALUES (1, 4102444841555, 1, 0, '[{"by":"system","act":"put_key","events":[{"key.made":{"id":"key_0000000000001","name":"admin","role":"admin","owner":"admin","groups":[],"act_for":[],"hash":[160,72,74,97,133,179,36,226,243,85,25,79,51,68,130,252,121,25,76,216,5,24,81,85,221,207,104,4,253,185,9,10],"declared_in":null,"expires_at":null,"made_at":4102444841555,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (2, 4102444841701, 2, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000002","name":"machines","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"everyone","owners":null},"indexed":["cores"],"attributes":{"arch":"x86_64"},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841701,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (3, 4102444841720, 3, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000003","name":"boards","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841720,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (4, 4102444841736, 4, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000004","name":"washed","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"hook","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841736,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (5, 4102444841751, 5, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000005","name":"addresses","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":true,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"/30","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841751,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (6, 4102444841762, 6, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000006","name":"doors","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"10","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841762,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (14, 4102444841931, 26, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.revised":{"id":"tmpl_000000000000s","name":"broken","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"exit 3\"]}}}}","template.toml":"name = \"broken\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"declared_in":null,"made_at":4102444841931,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (7, 4102444841775, 7, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000007","name":"licences","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"seats=1","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841775,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (8, 4102444841789, 8, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000008","name":"gone","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841789,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (9, 4102444841810, 20, 0, '[{"by":{"key":"key_0000000000001"},"act":"all","events":[{"resource.declared":{"id":"res_0000000000009","pool":"pool_0000000000002","doc":{"name":"Größe \"1\" 🐎 o''hara","attributes":{"cores":4,"gpu":true,"os":"debian; --"},"labels":{"rack":"r1"},"endpoints":[["ssh","10.0.0.1:22"]]},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000a","pool":"pool_0000000000002","doc":{"name":"m2","attributes":{"cores":8},"labels":{"rack":"r1"}},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000b","pool":"pool_0000000000003","doc":{"name":"b1"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000c","pool":"pool_0000000000003","doc":{"name":"b2"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000d","pool":"pool_0000000000003","doc":{"name":"b3"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000e","pool":"pool_0000000000003","doc":{"name":"b4"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000f","pool":"pool_0000000000003","doc":{"name":"b5"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000g","pool":"pool_0000000000004","doc":{"name":"w1"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000h","pool":"pool_0000000000008","doc":{"name":"g1"},"origin":"declared","state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000j","pool":"pool_0000000000005","doc":{"name":"lan"},"origin":{"divisible":"10.0.0.0/24 except 10.0.0.0/30"},"state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000k","pool":"pool_0000000000006","doc":{"name":"d1"},"origin":{"divisible":"20000-20999"},"state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}},{"resource.declared":{"id":"res_000000000000m","pool":"pool_0000000000007","doc":{"name":"l1"},"origin":{"divisible":"seats=100"},"state":"free","health":"well","freed_at":4102444841810,"born_at":4102444841810}}]}]');
INSERT INTO caviada.journal VALUES (10, 4102444841828, 21, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_host","events":[{"host.declared":{"id":"host_000000000000n","name":"here","spec":{"driver":"process","address":"","options":{},"reach":"127.0.0.1","capacity":8,"schedulable":true,"autofill":false,"ports":{"first":21000,"last":21999,"block":4},"network":null,"builds_max":4,"attributes":{"zone":"a"},"labels":{"room":"o''hara''s \"5\" – 🐎"},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102444841828,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (11, 4102444841900, 22, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_host","events":[{"host.declared":{"id":"host_000000000000p","name":"away","spec":{"driver":"docker","address":"ssh://root@127.0.0.1:1","options":{},"reach":"","capacity":1,"schedulable":false,"autofill":false,"ports":null,"network":null,"builds_max":4,"attributes":{},"labels":{},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102444841900,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (12, 4102444841910, 23, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.revised":{"id":"tmpl_000000000000q","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"declared_in":null,"made_at":4102444841910,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (13, 4102444841925, 25, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.gone":"tmpl_000000000000q"},{"template.revised":{"id":"tmpl_000000000000r","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''a second revision''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"declared_in":null,"made_at":4102444841925,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (15, 4102444841942, 27, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_000000000000t","name":"clusters","spec":{"kind":{"built":{"template":"tiny","parameters":"{\"size\":2}"}},"warm":2,"max":4,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"swap","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841942,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (16, 4102444841957, 28, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_000000000000v","name":"broken","spec":{"kind":{"built":{"template":"broken","parameters":"{}"}},"warm":1,"max":1,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841957,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (17, 4102444841978, 29, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000w","name":"ci","role":"user","owner":"ci","groups":["staff"],"act_for":["machines"],"hash":[18,133,122,224,19,12,223,81,221,16,94,202,144,32,189,88,235,126,114,103,250,161,21,136,207,154,110,145,16,72,61,77],"declared_in":null,"expires_at":null,"made_at":4102444841978,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (18, 4102444841999, 30, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000x","name":"ops","role":"operator","owner":"olga","groups":[],"act_for":[],"hash":[191,173,0,24,155,179,105,187,22,150,240,216,91,18,217,191,151,85,44,217,135,56,31,199,109,184,157,203,109,195,65,251],"declared_in":null,"expires_at":4102531241989,"made_at":4102444841999,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (19, 4102444842010, 31, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000y","name":"old","role":"user","owner":"old","groups":[],"act_for":[],"hash":[119,101,80,27,54,40,190,63,219,54,173,216,183,168,239,81,102,202,63,4,33,192,163,32,39,57,9,165,53,218,230,133],"declared_in":null,"expires_at":null,"made_at":4102444842010,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (20, 4102444842031, 38, 0, '[{"by":"system","act":"record_host","events":[{"host.seen":"host_000000000000n"},{"resource.planned":{"id":"res_000000000000z","pool":"pool_000000000000t","doc":{"name":"clusters-res_000000000000z"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":0,"subnet":null}},"state":"planned","deadline":4102445442031,"health":"well","freed_at":4102444842031,"born_at":4102444842031}},{"resource.planned":{"id":"res_0000000000010","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000010"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":1,"subnet":null}},"state":"planned","deadline":4102445442031,"health":"well","freed_at":4102444842031,"born_at":4102444842031}},{"resource.planned":{"id":"res_0000000000011","pool":"pool_000000000000v","doc":{"name":"broken-res_0000000000011"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000s","block":2,"subnet":null}},"state":"planned","deadline":4102445442031,"health":"well","freed_at":4102444842031,"born_at":4102444842031}},{"resource.creating":["res_000000000000z",4102445442031]},{"resource.creating":["res_0000000000010",4102445442031]},{"resource.creating":["res_0000000000011",4102445442031]}]}]');
INSERT INTO caviada.journal VALUES (21, 4102444842046, 39, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_key","events":[{"key.gone":"key_000000000000y"}]}]');
INSERT INTO caviada.journal VALUES (22, 4102444842066, 40, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_quota","events":[{"quota.set":{"id":"quota_0000000000012","owner":"ann","spec":{"leases_max":9,"resources_max":20},"declared_in":null,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (23, 4102444842092, 41, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_webhook","events":[{"webhook.declared":{"id":"hook_0000000000013","name":"chat","spec":{"url":"http://127.0.0.1:36213/hook","events":["lease"],"pools":null},"sealed":"v1.4a932afe.B45t_7MrbWthyCRjA1Lv_I2O9fyecBAUhZFo1OGxO96ayzvcpRqj2EcCcNGz3yp4m-khGlTZL0rXZCgOtc-AQw","since":{"revision":0,"index":0},"declared_in":null,"made_at":4102444842092,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (24, 4102444842100, 42, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000014","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000002","selector":"cores<=4","count":1}],"priority":5,"fence":37,"members":[{"resource":"res_0000000000009","item":0,"bound":true,"flagged":false}],"asked_at":4102444842100,"granted_at":4102444842100,"deadline":4102448442100,"deadline_max":4103049642100,"ttl_ms":3600000,"purpose":"use","labels":{"branch":"main","job":"j-1"},"note":"Ann''s \"first\" Größe 🐎 – line; --"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (25, 4102444842124, 43, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000016","owner":"gil","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000002","count":1}],"priority":5,"fence":39,"members":[{"resource":"res_000000000000a","item":0,"bound":true,"flagged":false}],"asked_at":4102444842124,"granted_at":4102444842124,"deadline":4102448442124,"deadline_max":4103049642124,"ttl_ms":3600000,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (26, 4102444842138, 44, 0, '[{"by":{"key":"key_0000000000001"},"act":"share","events":[{"lease.shared":["lease_0000000000014",["ben"]]}]}]');
INSERT INTO caviada.journal VALUES (27, 4102444842150, 45, 0, '[{"by":{"key":"key_0000000000001"},"act":"give","events":[{"lease.given":["lease_0000000000016","hal"]}]}]');
INSERT INTO caviada.journal VALUES (28, 4102444842160, 46, 0, '[{"by":{"key":"key_0000000000001"},"act":"renew","events":[{"lease.renewed":["lease_0000000000016",4102452042160]}]}]');
INSERT INTO caviada.journal VALUES (29, 4102444842163, 48, 0, '[{"by":"system","act":"record","events":[{"host.backoff":{"host":"host_000000000000n","pool":"pool_000000000000v","cause":"not_ready","tries":1,"until":4102444847163}},{"resource.failed":{"resource":"res_0000000000011","cause":"not_ready: create: main ended with exit code 3 and wrote nothing","retry_at":4102444847163}}]}]');
INSERT INTO caviada.journal VALUES (30, 4102444842168, 49, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.waiting":{"id":"lease_0000000000018","owner":"cy","by":"key_0000000000001","state":"waiting","items":[{"pool":"pool_0000000000002","count":1}],"priority":7,"fence":0,"asked_at":4102444842168,"wait_until":4102448442168,"purpose":"use","labels":{"job":"j-2"},"note":"soon"}}]}]');
INSERT INTO caviada.journal VALUES (31, 4102444842176, 50, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.waiting":{"id":"lease_0000000000019","owner":"fred","by":"key_0000000000001","state":"waiting","items":[{"pool":"pool_0000000000002","count":1}],"priority":5,"fence":0,"asked_at":4102444842176,"wait_until":4102448442176,"purpose":"use"}}]}]');
INSERT INTO caviada.journal VALUES (32, 4102444842184, 51, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_0000000000019","owner":"fred","fence":0,"end":"cancelled","members":[]}}]}]');
INSERT INTO caviada.journal VALUES (33, 4102444842192, 53, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000010","outputs":[["front","http://127.0.0.1:21004"]],"retire_at":null}},{"pool.proven":["pool_000000000000t","tmpl_000000000000r"]}]}]');
INSERT INTO caviada.journal VALUES (34, 4102444842198, 54, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001a","owner":"dan","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"fence":43,"members":[{"resource":"res_000000000000b","item":0,"bound":true,"flagged":false}],"asked_at":4102444842198,"granted_at":4102444842198,"deadline":4102445442198,"deadline_max":4103049642198,"purpose":"use","labels":{"job":"j-0"},"note":"done – \"well\""},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (35, 4102444842204, 55, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001a","owner":"dan","fence":43,"end":"released","members":[["res_000000000000b",{"free":null}]]}}]}]');
INSERT INTO caviada.journal VALUES (36, 4102444842207, 56, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_000000000000z","outputs":[["front","http://127.0.0.1:21000"]],"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (37, 4102444842219, 58, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001c","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"fence":45,"members":[{"resource":"res_000000000000b","item":0,"bound":true,"flagged":false}],"asked_at":4102444842219,"granted_at":4102444842219,"deadline":4102445442219,"deadline_max":4103049642219,"slot":"s1","purpose":"use"},"prepare_by":null}},{"outcome.kept":{"at":{"by":"key_0000000000001","key":"again-1"},"digest":[133,82,169,85,234,108,81,10,12,246,101,222,140,70,168,156,246,199,185,56,16,182,71,195,226,180,250,80,165,209,201,76],"subject":{"lease":"lease_000000000001c"},"lease":"lease_000000000001c","until":null}}]}]');
INSERT INTO caviada.journal VALUES (38, 4102444842228, 59, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001e","owner":"eve","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"fence":47,"members":[{"resource":"res_000000000000c","item":0,"bound":true,"flagged":false}],"asked_at":4102444842228,"granted_at":4102444842228,"deadline":4102444843228,"deadline_max":4103049642228,"ttl_ms":1000,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (39, 4102444842232, 60, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001g","owner":"gil","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"fence":49,"members":[{"resource":"res_000000000000d","item":0,"bound":true,"flagged":false}],"asked_at":4102444842232,"granted_at":4102444842232,"deadline":4102445442232,"deadline_max":4103049642232,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (40, 4102444842255, 61, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001g","owner":"gil","fence":49,"end":"released","members":[["res_000000000000d",{"withheld":{"reason":"debugging: look at it","clean":true,"until":4102445442254}}]]}}]}]');
INSERT INTO caviada.journal VALUES (41, 4102444842259, 62, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001j","owner":"ivy","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"fence":51,"members":[{"resource":"res_000000000000e","item":0,"bound":true,"flagged":false}],"asked_at":4102444842259,"granted_at":4102444842259,"deadline":4102445442259,"deadline_max":4103049642259,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (42, 4102444842268, 63, 1, '[{"by":{"key":"key_0000000000001"},"act":"revoke","events":[{"lease.ended":{"lease":"lease_000000000001j","owner":"ivy","fence":51,"end":"revoked","members":[["res_000000000000e",{"free":null}]]}}]}]');
INSERT INTO caviada.journal VALUES (43, 4102444842273, 64, 0, '[{"by":{"key":"key_0000000000001"},"act":"withhold","events":[{"resource.withheld":["res_000000000000f",{"reason":"needs_repair: fan – laut","clean":true,"until":4102448442270}]}]}]');
INSERT INTO caviada.journal VALUES (44, 4102444842279, 65, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001m","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000004","count":1}],"priority":5,"fence":53,"members":[{"resource":"res_000000000000g","item":0,"bound":true,"flagged":false}],"asked_at":4102444842279,"granted_at":4102444842279,"deadline":4102448442279,"deadline_max":4103049642279,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (45, 4102444842283, 66, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001m","owner":"ann","fence":53,"end":"released","members":[["res_000000000000g",{"dirty":4102445742283}]]}}]}]');
INSERT INTO caviada.journal VALUES (46, 4102444842287, 68, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_000000000001q","pool":"pool_0000000000005","doc":{"name":"10.0.0.4/30-1q"},"origin":{"slice":{"parent":"res_000000000000j","part":"10.0.0.4/30"}},"state":"free","health":"well","freed_at":4102444842287,"born_at":4102444842287}},{"lease.granted":{"lease":{"id":"lease_000000000001p","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000005","count":1,"amount":"/30"}],"priority":5,"fence":56,"members":[{"resource":"res_000000000001q","item":0,"bound":true,"flagged":false}],"asked_at":4102444842287,"granted_at":4102444842287,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (47, 4102444842291, 70, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_000000000001t","pool":"pool_0000000000005","doc":{"name":"10.0.0.8/30-1t"},"origin":{"slice":{"parent":"res_000000000000j","part":"10.0.0.8/30"}},"state":"free","health":"well","freed_at":4102444842291,"born_at":4102444842291}},{"lease.granted":{"lease":{"id":"lease_000000000001s","owner":"ben","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000005","count":1,"amount":"/30"}],"priority":5,"fence":59,"members":[{"resource":"res_000000000001t","item":0,"bound":true,"flagged":false}],"asked_at":4102444842291,"granted_at":4102444842291,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (48, 4102444842303, 71, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001s","owner":"ben","fence":59,"end":"released","members":[["res_000000000001t","gone"]]}}]}]');
INSERT INTO caviada.journal VALUES (49, 4102444842307, 73, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_000000000001x","pool":"pool_0000000000006","doc":{"name":"20000-20009-1x"},"origin":{"slice":{"parent":"res_000000000000k","part":"20000-20009"}},"state":"free","health":"well","freed_at":4102444842307,"born_at":4102444842307}},{"lease.granted":{"lease":{"id":"lease_000000000001w","owner":"ben","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000006","count":1,"amount":"10"}],"priority":5,"fence":62,"members":[{"resource":"res_000000000001x","item":0,"bound":true,"flagged":false}],"asked_at":4102444842307,"granted_at":4102444842307,"deadline":4102448442307,"deadline_max":4103049642307,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (50, 4102444842309, 75, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_0000000000020","pool":"pool_0000000000007","doc":{"name":"seats=3-20"},"origin":{"slice":{"parent":"res_000000000000m","part":"seats=3"}},"state":"free","health":"well","freed_at":4102444842309,"born_at":4102444842309}},{"lease.granted":{"lease":{"id":"lease_000000000001z","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_0000000000007","count":1,"amount":"seats=3"}],"priority":5,"fence":65,"members":[{"resource":"res_0000000000020","item":0,"bound":true,"flagged":false}],"asked_at":4102444842309,"granted_at":4102444842309,"deadline":4102448442309,"deadline_max":4103049642309,"purpose":"use"},"prepare_by":null}}]}]');
INSERT INTO caviada.journal VALUES (51, 4102444842321, 76, 0, '[{"by":{"key":"key_0000000000001"},"act":"annotate","events":[{"lease.noted":["lease_0000000000014",{"branch":"größer","job":"j-1"},"Ann''s \"first\" Größe 🐎 – line; --"]}]}]');
INSERT INTO caviada.journal VALUES (52, 4102444842323, 77, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_resource","events":[{"resource.gone":"res_000000000000h"}]}]');
INSERT INTO caviada.journal VALUES (53, 4102444842331, 79, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_pool","events":[{"pool.retiring":"pool_0000000000008"},{"pool.gone":"pool_0000000000008"}]}]');
INSERT INTO caviada.journal VALUES (54, 4102444842339, 82, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000022","owner":"ann","by":"key_0000000000001","state":"active","items":[{"pool":"pool_000000000000t","count":1}],"priority":5,"fence":67,"members":[{"resource":"res_000000000000z","item":0,"bound":true,"flagged":false}],"asked_at":4102444842339,"granted_at":4102444842339,"deadline":4102448442339,"deadline_max":4103049642339,"ttl_ms":3600000,"purpose":"use"},"prepare_by":null}},{"resource.planned":{"id":"res_0000000000024","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000024"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":3,"subnet":null}},"state":"planned","deadline":4102445442339,"health":"well","freed_at":4102444842339,"born_at":4102444842339}},{"resource.creating":["res_0000000000024",4102445442339]}]}]');
INSERT INTO caviada.journal VALUES (55, 4102444842344, 85, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000025","owner":"ben","by":"key_0000000000001","state":"active","items":[{"pool":"pool_000000000000t","count":1}],"priority":5,"fence":70,"members":[{"resource":"res_0000000000010","item":0,"bound":true,"flagged":false}],"asked_at":4102444842344,"granted_at":4102444842344,"deadline":4102448442344,"deadline_max":4103049642344,"purpose":"use"},"prepare_by":null}},{"resource.planned":{"id":"res_0000000000027","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000027"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":4,"subnet":null}},"state":"planned","deadline":4102445442344,"health":"well","freed_at":4102444842344,"born_at":4102444842344}},{"resource.creating":["res_0000000000027",4102445442344]}]}]');
INSERT INTO caviada.journal VALUES (56, 4102444842348, 87, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_0000000000025","owner":"ben","fence":70,"end":"released","members":[["res_0000000000010",{"dirty":4102445742348}]]}},{"resource.cleaning":{"resource":"res_0000000000010","replace":true,"deadline":4102445442348}}]}]');
INSERT INTO caviada.journal VALUES (57, 4102444842426, 88, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000024","outputs":[["front","http://127.0.0.1:21012"]],"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (58, 4102444842442, 89, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000027","outputs":[["front","http://127.0.0.1:21016"]],"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (59, 4102444842484, 90, 0, '[{"by":"system","act":"record","events":[{"resource.cleaned":{"resource":"res_0000000000010","outputs":[["front","http://127.0.0.1:21004"]],"cooling_until":null,"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (60, 4102444843080, 91, 0, '[{"by":"system","act":"record_host","events":[{"host.unseen":["host_000000000000p",4102445143080]}]}]');
INSERT INTO caviada.journal VALUES (61, 4102444843228, 92, 1, '[{"events":[{"lease.ended":{"lease":"lease_000000000001e","owner":"eve","fence":47,"end":"expired","members":[["res_000000000000c",{"free":null}]]}}]}]');

INSERT INTO caviada.lease VALUES (38, 2, 39, '[[10,0,1]]', '[]', 4102444842124, 4102452042160, 4103049642124, NULL, NULL, 0, 28, 0, '{"owner":"hal","by":"key_0000000000001","items":[{"pool":"pool_0000000000002","count":1}],"priority":5,"asked_at":4102444842124,"ttl_ms":3600000,"purpose":"use","labels":{}}');
INSERT INTO caviada.lease VALUES (40, 0, 0, '[]', '[]', NULL, NULL, NULL, 4102448442168, NULL, 0, 30, 0, '{"owner":"cy","by":"key_0000000000001","items":[{"pool":"pool_0000000000002","count":1}],"priority":7,"asked_at":4102444842168,"purpose":"use","labels":{"job":"j-2"},"note":"soon"}');
INSERT INTO caviada.lease VALUES (44, 2, 45, '[[11,0,1]]', '[]', 4102444842219, 4102445442219, 4103049642219, NULL, NULL, 0, 37, 0, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000003","count":1}],"priority":5,"asked_at":4102444842219,"slot":"s1","purpose":"use","labels":{}}');
INSERT INTO caviada.lease VALUES (54, 2, 56, '[[55,0,1]]', '[]', 4102444842287, NULL, NULL, NULL, NULL, 0, 46, 1, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000005","count":1,"amount":"/30"}],"priority":5,"asked_at":4102444842287,"purpose":"use","labels":{}}');
INSERT INTO caviada.lease VALUES (60, 2, 62, '[[61,0,1]]', '[]', 4102444842307, 4102448442307, 4103049642307, NULL, NULL, 0, 49, 1, '{"owner":"ben","by":"key_0000000000001","items":[{"pool":"pool_0000000000006","count":1,"amount":"10"}],"priority":5,"asked_at":4102444842307,"purpose":"use","labels":{}}');
INSERT INTO caviada.lease VALUES (63, 2, 65, '[[64,0,1]]', '[]', 4102444842309, 4102448442309, 4103049642309, NULL, NULL, 0, 50, 1, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000007","count":1,"amount":"seats=3"}],"priority":5,"asked_at":4102444842309,"purpose":"use","labels":{}}');
INSERT INTO caviada.lease VALUES (36, 2, 37, '[[9,0,1]]', '[]', 4102444842100, 4102448442100, 4103049642100, NULL, NULL, 0, 51, 0, '{"owner":"ann","by":"key_0000000000001","shared":["ben"],"items":[{"pool":"pool_0000000000002","selector":"cores<=4","count":1}],"priority":5,"asked_at":4102444842100,"ttl_ms":3600000,"purpose":"use","labels":{"branch":"größer","job":"j-1"},"note":"Ann''s \"first\" Größe 🐎 – line; --"}');
INSERT INTO caviada.lease VALUES (66, 2, 67, '[[31,0,1]]', '[]', 4102444842339, 4102448442339, 4103049642339, NULL, NULL, 0, 54, 0, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_000000000000t","count":1}],"priority":5,"asked_at":4102444842339,"ttl_ms":3600000,"purpose":"use","labels":{}}');

INSERT INTO caviada.meta VALUES (1, 1, 61, 4102444843228, 71, 92, '394f95f534a49294', 0);

INSERT INTO caviada.migration VALUES (1, 1, '3f81c69c187ffff770a2afc41fe1105b3c022a3e377a25210d3d02adbba2a62a');
INSERT INTO caviada.migration VALUES (2, 1, '16d6487205864c29b004087e0ec529d927070e2758641f8b8048b54608a105de');

INSERT INTO caviada.outcome VALUES (1, 'again-1', '8552a955ea6c510a0cf665de8c46a89cf6c7b93810b647c3e2b4fa50a5d1c94c', '{"lease":"lease_000000000001c"}', 44, NULL);

INSERT INTO caviada.pool VALUES (2, '{"id":"pool_0000000000002","name":"machines","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"everyone","owners":null},"indexed":["cores"],"attributes":{"arch":"x86_64"},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841701,"changed":{"revision":2,"index":0}}');
INSERT INTO caviada.pool VALUES (3, '{"id":"pool_0000000000003","name":"boards","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841720,"changed":{"revision":3,"index":0}}');
INSERT INTO caviada.pool VALUES (4, '{"id":"pool_0000000000004","name":"washed","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"hook","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841736,"changed":{"revision":4,"index":0}}');
INSERT INTO caviada.pool VALUES (5, '{"id":"pool_0000000000005","name":"addresses","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":true,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"/30","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841751,"changed":{"revision":5,"index":0}}');
INSERT INTO caviada.pool VALUES (6, '{"id":"pool_0000000000006","name":"doors","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"10","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841762,"changed":{"revision":6,"index":0}}');
INSERT INTO caviada.pool VALUES (7, '{"id":"pool_0000000000007","name":"licences","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"seats=1","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841775,"changed":{"revision":7,"index":0}}');
INSERT INTO caviada.pool VALUES (27, '{"id":"pool_000000000000v","name":"broken","spec":{"kind":{"built":{"template":"broken","parameters":"{}"}},"warm":1,"max":1,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102444841957,"changed":{"revision":16,"index":0}}');
INSERT INTO caviada.pool VALUES (26, '{"id":"pool_000000000000t","name":"clusters","spec":{"kind":{"built":{"template":"tiny","parameters":"{\"size\":2}"}},"warm":2,"max":4,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pick":"first","on_bad":"swap","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":"tmpl_000000000000r","made_at":4102444841942,"changed":{"revision":33,"index":1}}');

INSERT INTO caviada.quota VALUES (34, '{"id":"quota_0000000000012","owner":"ann","spec":{"leases_max":9,"resources_max":20},"declared_in":null,"changed":{"revision":22,"index":0}}');

INSERT INTO caviada.resource VALUES (18, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 9, 9);
INSERT INTO caviada.resource VALUES (19, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 9, 10);
INSERT INTO caviada.resource VALUES (20, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 9, 11);
INSERT INTO caviada.resource VALUES (9, 3, 0, 0, 0, NULL, 36, NULL, 37, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 24, 0);
INSERT INTO caviada.resource VALUES (10, 3, 0, 0, 0, NULL, 38, NULL, 39, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 25, 0);
INSERT INTO caviada.resource VALUES (33, 6, 1, 1, 0, 4102444847163, NULL, NULL, 0, NULL, 0, NULL, 4102444842031, 4102444842031, 0, 1, NULL, 'not_ready: create: main ended with exit code 3 and wrote nothing', NULL, 29, 1);
INSERT INTO caviada.resource VALUES (68, 2, 1, 1, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102444842426, 4102444842426, 0, 0, NULL, NULL, NULL, 57, 0);
INSERT INTO caviada.resource VALUES (32, 2, 2, 2, 0, NULL, NULL, NULL, 70, NULL, 0, NULL, 4102444842484, 4102444842192, 1, 0, NULL, NULL, NULL, 59, 0);
INSERT INTO caviada.resource VALUES (12, 2, 0, 0, 0, NULL, NULL, NULL, 47, NULL, 0, NULL, 4102444843228, 4102444841810, 1, 0, NULL, NULL, NULL, 61, 0);
INSERT INTO caviada.resource VALUES (11, 3, 0, 0, 0, NULL, 44, NULL, 45, NULL, 0, NULL, 4102444842204, 4102444841810, 1, 0, NULL, NULL, NULL, 37, 0);
INSERT INTO caviada.resource VALUES (13, 7, 0, 0, 0, 4102445442254, NULL, NULL, 49, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, '{"reason":"debugging: look at it","clean":true,"until":4102445442254}', 40, 0);
INSERT INTO caviada.resource VALUES (14, 2, 0, 0, 0, NULL, NULL, NULL, 51, NULL, 0, NULL, 4102444842268, 4102444841810, 1, 0, NULL, NULL, NULL, 42, 0);
INSERT INTO caviada.resource VALUES (15, 7, 0, 0, 0, 4102448442270, NULL, NULL, 0, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, '{"reason":"needs_repair: fan – laut","clean":true,"until":4102448442270}', 43, 0);
INSERT INTO caviada.resource VALUES (16, 4, 0, 0, 0, 4102445742283, NULL, NULL, 53, NULL, 0, NULL, 4102444841810, 4102444841810, 0, 0, NULL, NULL, NULL, 45, 0);
INSERT INTO caviada.resource VALUES (55, 3, 0, 0, 0, NULL, 54, NULL, 56, NULL, 0, NULL, 4102444842287, 4102444842287, 0, 0, NULL, NULL, NULL, 46, 1);
INSERT INTO caviada.resource VALUES (61, 3, 0, 0, 0, NULL, 60, NULL, 62, NULL, 0, NULL, 4102444842307, 4102444842307, 0, 0, NULL, NULL, NULL, 49, 1);
INSERT INTO caviada.resource VALUES (64, 3, 0, 0, 0, NULL, 63, NULL, 65, NULL, 0, NULL, 4102444842309, 4102444842309, 0, 0, NULL, NULL, NULL, 50, 1);
INSERT INTO caviada.resource VALUES (31, 3, 1, 1, 0, NULL, 66, NULL, 67, NULL, 0, NULL, 4102444842207, 4102444842207, 0, 0, NULL, NULL, NULL, 54, 0);
INSERT INTO caviada.resource VALUES (71, 2, 1, 1, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102444842442, 4102444842442, 0, 0, NULL, NULL, NULL, 58, 0);

INSERT INTO caviada.resource_doc VALUES (9, 2, '"declared"', '{"name":"Größe \"1\" 🐎 o''hara","attributes":{"cores":4,"gpu":true,"os":"debian; --"},"labels":{"rack":"r1"},"endpoints":[["ssh","10.0.0.1:22"]]}', '[]');
INSERT INTO caviada.resource_doc VALUES (10, 2, '"declared"', '{"name":"m2","attributes":{"cores":8},"labels":{"rack":"r1"}}', '[]');
INSERT INTO caviada.resource_doc VALUES (11, 3, '"declared"', '{"name":"b1"}', '[]');
INSERT INTO caviada.resource_doc VALUES (12, 3, '"declared"', '{"name":"b2"}', '[]');
INSERT INTO caviada.resource_doc VALUES (13, 3, '"declared"', '{"name":"b3"}', '[]');
INSERT INTO caviada.resource_doc VALUES (14, 3, '"declared"', '{"name":"b4"}', '[]');
INSERT INTO caviada.resource_doc VALUES (15, 3, '"declared"', '{"name":"b5"}', '[]');
INSERT INTO caviada.resource_doc VALUES (16, 4, '"declared"', '{"name":"w1"}', '[]');
INSERT INTO caviada.resource_doc VALUES (18, 5, '{"divisible":"10.0.0.0/24 except 10.0.0.0/30"}', '{"name":"lan"}', '[]');
INSERT INTO caviada.resource_doc VALUES (19, 6, '{"divisible":"20000-20999"}', '{"name":"d1"}', '[]');
INSERT INTO caviada.resource_doc VALUES (20, 7, '{"divisible":"seats=100"}', '{"name":"l1"}', '[]');
INSERT INTO caviada.resource_doc VALUES (33, 27, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000s","block":2,"subnet":null}}', '{"name":"broken-res_0000000000011"}', '[]');
INSERT INTO caviada.resource_doc VALUES (31, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":0,"subnet":null}}', '{"name":"clusters-res_000000000000z"}', '[["front","http://127.0.0.1:21000"]]');
INSERT INTO caviada.resource_doc VALUES (55, 5, '{"slice":{"parent":"res_000000000000j","part":"10.0.0.4/30"}}', '{"name":"10.0.0.4/30-1q"}', '[]');
INSERT INTO caviada.resource_doc VALUES (61, 6, '{"slice":{"parent":"res_000000000000k","part":"20000-20009"}}', '{"name":"20000-20009-1x"}', '[]');
INSERT INTO caviada.resource_doc VALUES (64, 7, '{"slice":{"parent":"res_000000000000m","part":"seats=3"}}', '{"name":"seats=3-20"}', '[]');
INSERT INTO caviada.resource_doc VALUES (68, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":3,"subnet":null}}', '{"name":"clusters-res_0000000000024"}', '[["front","http://127.0.0.1:21012"]]');
INSERT INTO caviada.resource_doc VALUES (71, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":4,"subnet":null}}', '{"name":"clusters-res_0000000000027"}', '[["front","http://127.0.0.1:21016"]]');
INSERT INTO caviada.resource_doc VALUES (32, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","block":1,"subnet":null}}', '{"name":"clusters-res_0000000000010"}', '[["front","http://127.0.0.1:21004"]]');

INSERT INTO caviada.template VALUES (24, '{"id":"tmpl_000000000000r","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''a second revision''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"declared_in":null,"made_at":4102444841925,"changed":{"revision":13,"index":1}}');
INSERT INTO caviada.template VALUES (25, '{"id":"tmpl_000000000000s","name":"broken","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"exit 3\"]}}}}","template.toml":"name = \"broken\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"declared_in":null,"made_at":4102444841931,"changed":{"revision":14,"index":0}}');

INSERT INTO caviada.webhook VALUES (35, '{"id":"hook_0000000000013","name":"chat","spec":{"url":"http://127.0.0.1:36213/hook","events":["lease"],"pools":null},"sealed":"v1.4a932afe.B45t_7MrbWthyCRjA1Lv_I2O9fyecBAUhZFo1OGxO96ayzvcpRqj2EcCcNGz3yp4m-khGlTZL0rXZCgOtc-AQw","since":{"revision":23,"index":0},"declared_in":null,"made_at":4102444842092,"changed":{"revision":23,"index":0}}');

INSERT INTO caviada_history.history_migration VALUES (1, 1, '20ca9817df660e3cbe33e97b4ac58b5803f798ea2e72be6d5272f6bd0682c1ef');

INSERT INTO caviada_history.lease_history VALUES (41, '["fred"]', 1, 5, 4102444842176, NULL, 4102444842184, '"cancelled"', 0, '[2]', '[]', '[]', '{}', NULL, 31, 32);
INSERT INTO caviada_history.lease_history VALUES (42, '["dan"]', 1, 5, 4102444842198, 4102444842198, 4102444842204, '"released"', 43, '[3]', '[11]', '[]', '{"job":"j-0"}', 'done – "well"', 34, 35);
INSERT INTO caviada_history.lease_history VALUES (38, '["gil","hal"]', 1, 5, 4102444842124, 4102444842124, NULL, NULL, 39, '[2]', '[10]', '[]', '{}', NULL, 25, 28);
INSERT INTO caviada_history.lease_history VALUES (40, '["cy"]', 1, 7, 4102444842168, NULL, NULL, NULL, 0, '[2]', '[]', '[]', '{"job":"j-2"}', 'soon', 30, 30);
INSERT INTO caviada_history.lease_history VALUES (48, '["gil"]', 1, 5, 4102444842232, 4102444842232, 4102444842255, '"released"', 49, '[3]', '[13]', '[]', '{}', NULL, 39, 40);
INSERT INTO caviada_history.lease_history VALUES (50, '["ivy"]', 1, 5, 4102444842259, 4102444842259, 4102444842268, '"revoked"', 51, '[3]', '[14]', '[]', '{}', NULL, 41, 42);
INSERT INTO caviada_history.lease_history VALUES (52, '["ann"]', 1, 5, 4102444842279, 4102444842279, 4102444842283, '"released"', 53, '[4]', '[16]', '[]', '{}', NULL, 44, 45);
INSERT INTO caviada_history.lease_history VALUES (57, '["ben"]', 1, 5, 4102444842291, 4102444842291, 4102444842303, '"released"', 59, '[5]', '[58]', '[]', '{}', NULL, 47, 48);
INSERT INTO caviada_history.lease_history VALUES (69, '["ben"]', 1, 5, 4102444842344, 4102444842344, 4102444842348, '"released"', 70, '[26]', '[32]', '[]', '{}', NULL, 55, 56);
INSERT INTO caviada_history.lease_history VALUES (36, '["ann"]', 1, 5, 4102444842100, 4102444842100, NULL, NULL, 37, '[2]', '[9]', '[]', '{"branch":"größer","job":"j-1"}', 'Ann''s "first" Größe 🐎 – line; --', 24, 51);
INSERT INTO caviada_history.lease_history VALUES (44, '["ann"]', 1, 5, 4102444842219, 4102444842219, NULL, NULL, 45, '[3]', '[11]', '[]', '{}', NULL, 37, 37);
INSERT INTO caviada_history.lease_history VALUES (54, '["ann"]', 1, 5, 4102444842287, 4102444842287, NULL, NULL, 56, '[5]', '[55]', '[]', '{}', NULL, 46, 46);
INSERT INTO caviada_history.lease_history VALUES (60, '["ben"]', 1, 5, 4102444842307, 4102444842307, NULL, NULL, 62, '[6]', '[61]', '[]', '{}', NULL, 49, 49);
INSERT INTO caviada_history.lease_history VALUES (63, '["ann"]', 1, 5, 4102444842309, 4102444842309, NULL, NULL, 65, '[7]', '[64]', '[]', '{}', NULL, 50, 50);
INSERT INTO caviada_history.lease_history VALUES (66, '["ann"]', 1, 5, 4102444842339, 4102444842339, NULL, NULL, 67, '[26]', '[31]', '[]', '{}', NULL, 54, 54);
INSERT INTO caviada_history.lease_history VALUES (46, '["eve"]', 1, 5, 4102444842228, 4102444842228, 4102444843228, '"expired"', 47, '[3]', '[12]', '[]', '{}', NULL, 38, 61);

INSERT INTO caviada_history.lease_of VALUES (-6690848441372651209, 38);
INSERT INTO caviada_history.lease_of VALUES (-4814077981241735798, 40);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 36);
INSERT INTO caviada_history.lease_of VALUES (-3713804738621578150, 38);
INSERT INTO caviada_history.lease_of VALUES (-3400284904005860659, 41);
INSERT INTO caviada_history.lease_of VALUES (-1418865075425116011, 42);
INSERT INTO caviada_history.lease_of VALUES (2, 36);
INSERT INTO caviada_history.lease_of VALUES (2, 38);
INSERT INTO caviada_history.lease_of VALUES (2, 40);
INSERT INTO caviada_history.lease_of VALUES (2, 41);
INSERT INTO caviada_history.lease_of VALUES (3, 42);
INSERT INTO caviada_history.lease_of VALUES (9, 36);
INSERT INTO caviada_history.lease_of VALUES (10, 38);
INSERT INTO caviada_history.lease_of VALUES (11, 42);
INSERT INTO caviada_history.lease_of VALUES (-8852340878332556357, 46);
INSERT INTO caviada_history.lease_of VALUES (-6536196051703600614, 50);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 44);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 52);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 54);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 63);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 66);
INSERT INTO caviada_history.lease_of VALUES (-3713804738621578150, 48);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 57);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 60);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 69);
INSERT INTO caviada_history.lease_of VALUES (3, 44);
INSERT INTO caviada_history.lease_of VALUES (3, 46);
INSERT INTO caviada_history.lease_of VALUES (3, 48);
INSERT INTO caviada_history.lease_of VALUES (3, 50);
INSERT INTO caviada_history.lease_of VALUES (4, 52);
INSERT INTO caviada_history.lease_of VALUES (5, 54);
INSERT INTO caviada_history.lease_of VALUES (5, 57);
INSERT INTO caviada_history.lease_of VALUES (6, 60);
INSERT INTO caviada_history.lease_of VALUES (7, 63);
INSERT INTO caviada_history.lease_of VALUES (11, 44);
INSERT INTO caviada_history.lease_of VALUES (12, 46);
INSERT INTO caviada_history.lease_of VALUES (13, 48);
INSERT INTO caviada_history.lease_of VALUES (14, 50);
INSERT INTO caviada_history.lease_of VALUES (16, 52);
INSERT INTO caviada_history.lease_of VALUES (26, 66);
INSERT INTO caviada_history.lease_of VALUES (26, 69);
INSERT INTO caviada_history.lease_of VALUES (31, 66);
INSERT INTO caviada_history.lease_of VALUES (32, 69);
INSERT INTO caviada_history.lease_of VALUES (55, 54);
INSERT INTO caviada_history.lease_of VALUES (58, 57);
INSERT INTO caviada_history.lease_of VALUES (61, 60);
INSERT INTO caviada_history.lease_of VALUES (64, 63);

INSERT INTO caviada_history.mark VALUES (1, 61, 4102444843228);

INSERT INTO caviada_history.member VALUES (9, 2, 'Größe "1" 🐎 o''hara', NULL);
INSERT INTO caviada_history.member VALUES (10, 2, 'm2', NULL);
INSERT INTO caviada_history.member VALUES (11, 3, 'b1', NULL);
INSERT INTO caviada_history.member VALUES (12, 3, 'b2', NULL);
INSERT INTO caviada_history.member VALUES (13, 3, 'b3', NULL);
INSERT INTO caviada_history.member VALUES (14, 3, 'b4', NULL);
INSERT INTO caviada_history.member VALUES (15, 3, 'b5', NULL);
INSERT INTO caviada_history.member VALUES (16, 4, 'w1', NULL);
INSERT INTO caviada_history.member VALUES (18, 5, 'lan', NULL);
INSERT INTO caviada_history.member VALUES (19, 6, 'd1', NULL);
INSERT INTO caviada_history.member VALUES (20, 7, 'l1', NULL);
INSERT INTO caviada_history.member VALUES (31, 26, 'clusters-res_000000000000z', NULL);
INSERT INTO caviada_history.member VALUES (32, 26, 'clusters-res_0000000000010', NULL);
INSERT INTO caviada_history.member VALUES (33, 27, 'broken-res_0000000000011', NULL);
INSERT INTO caviada_history.member VALUES (55, 5, '10.0.0.4/30-1q', NULL);
INSERT INTO caviada_history.member VALUES (58, 5, '10.0.0.8/30-1t', 4102444842303);
INSERT INTO caviada_history.member VALUES (61, 6, '20000-20009-1x', NULL);
INSERT INTO caviada_history.member VALUES (64, 7, 'seats=3-20', NULL);
INSERT INTO caviada_history.member VALUES (68, 26, 'clusters-res_0000000000024', NULL);
INSERT INTO caviada_history.member VALUES (71, 26, 'clusters-res_0000000000027', NULL);
INSERT INTO caviada_history.member VALUES (17, 8, 'g1', 4102444842323);

INSERT INTO caviada_history.posting VALUES (-8328995306884496363, 1);
INSERT INTO caviada_history.posting VALUES (1, 1);
INSERT INTO caviada_history.posting VALUES (2, 2);
INSERT INTO caviada_history.posting VALUES (3, 3);
INSERT INTO caviada_history.posting VALUES (4, 4);
INSERT INTO caviada_history.posting VALUES (5, 5);
INSERT INTO caviada_history.posting VALUES (2, 9);
INSERT INTO caviada_history.posting VALUES (3, 9);
INSERT INTO caviada_history.posting VALUES (4, 9);
INSERT INTO caviada_history.posting VALUES (5, 9);
INSERT INTO caviada_history.posting VALUES (6, 6);
INSERT INTO caviada_history.posting VALUES (6, 9);
INSERT INTO caviada_history.posting VALUES (7, 7);
INSERT INTO caviada_history.posting VALUES (7, 9);
INSERT INTO caviada_history.posting VALUES (8, 8);
INSERT INTO caviada_history.posting VALUES (8, 9);
INSERT INTO caviada_history.posting VALUES (9, 9);
INSERT INTO caviada_history.posting VALUES (10, 9);
INSERT INTO caviada_history.posting VALUES (11, 9);
INSERT INTO caviada_history.posting VALUES (12, 9);
INSERT INTO caviada_history.posting VALUES (13, 9);
INSERT INTO caviada_history.posting VALUES (14, 9);
INSERT INTO caviada_history.posting VALUES (15, 9);
INSERT INTO caviada_history.posting VALUES (16, 9);
INSERT INTO caviada_history.posting VALUES (17, 9);
INSERT INTO caviada_history.posting VALUES (18, 9);
INSERT INTO caviada_history.posting VALUES (19, 9);
INSERT INTO caviada_history.posting VALUES (20, 9);
INSERT INTO caviada_history.posting VALUES (21, 10);
INSERT INTO caviada_history.posting VALUES (22, 11);
INSERT INTO caviada_history.posting VALUES (23, 12);
INSERT INTO caviada_history.posting VALUES (23, 13);
INSERT INTO caviada_history.posting VALUES (24, 13);
INSERT INTO caviada_history.posting VALUES (25, 14);
INSERT INTO caviada_history.posting VALUES (26, 15);
INSERT INTO caviada_history.posting VALUES (27, 16);
INSERT INTO caviada_history.posting VALUES (-7271756240753380450, 17);
INSERT INTO caviada_history.posting VALUES (-6690848441372651209, 27);
INSERT INTO caviada_history.posting VALUES (-6690848441372651209, 28);
INSERT INTO caviada_history.posting VALUES (-4814077981241735798, 30);
INSERT INTO caviada_history.posting VALUES (-4636025592781484804, 18);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 22);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 24);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 26);
INSERT INTO caviada_history.posting VALUES (-3773898465407732098, 19);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 25);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 27);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 28);
INSERT INTO caviada_history.posting VALUES (-3400284904005860659, 31);
INSERT INTO caviada_history.posting VALUES (-3400284904005860659, 32);
INSERT INTO caviada_history.posting VALUES (-1418865075425116011, 34);
INSERT INTO caviada_history.posting VALUES (-1418865075425116011, 35);
INSERT INTO caviada_history.posting VALUES (2, 24);
INSERT INTO caviada_history.posting VALUES (2, 25);
INSERT INTO caviada_history.posting VALUES (2, 26);
INSERT INTO caviada_history.posting VALUES (2, 27);
INSERT INTO caviada_history.posting VALUES (2, 28);
INSERT INTO caviada_history.posting VALUES (2, 30);
INSERT INTO caviada_history.posting VALUES (2, 31);
INSERT INTO caviada_history.posting VALUES (3, 34);
INSERT INTO caviada_history.posting VALUES (3, 35);
INSERT INTO caviada_history.posting VALUES (9, 24);
INSERT INTO caviada_history.posting VALUES (9, 26);
INSERT INTO caviada_history.posting VALUES (10, 25);
INSERT INTO caviada_history.posting VALUES (10, 27);
INSERT INTO caviada_history.posting VALUES (10, 28);
INSERT INTO caviada_history.posting VALUES (11, 34);
INSERT INTO caviada_history.posting VALUES (11, 35);
INSERT INTO caviada_history.posting VALUES (21, 20);
INSERT INTO caviada_history.posting VALUES (21, 29);
INSERT INTO caviada_history.posting VALUES (24, 33);
INSERT INTO caviada_history.posting VALUES (26, 20);
INSERT INTO caviada_history.posting VALUES (26, 33);
INSERT INTO caviada_history.posting VALUES (27, 20);
INSERT INTO caviada_history.posting VALUES (27, 29);
INSERT INTO caviada_history.posting VALUES (28, 17);
INSERT INTO caviada_history.posting VALUES (29, 18);
INSERT INTO caviada_history.posting VALUES (30, 19);
INSERT INTO caviada_history.posting VALUES (30, 21);
INSERT INTO caviada_history.posting VALUES (31, 20);
INSERT INTO caviada_history.posting VALUES (32, 20);
INSERT INTO caviada_history.posting VALUES (32, 33);
INSERT INTO caviada_history.posting VALUES (33, 20);
INSERT INTO caviada_history.posting VALUES (33, 29);
INSERT INTO caviada_history.posting VALUES (34, 22);
INSERT INTO caviada_history.posting VALUES (35, 23);
INSERT INTO caviada_history.posting VALUES (36, 26);
INSERT INTO caviada_history.posting VALUES (38, 27);
INSERT INTO caviada_history.posting VALUES (38, 28);
INSERT INTO caviada_history.posting VALUES (-8852340878332556357, 38);
INSERT INTO caviada_history.posting VALUES (-6536196051703600614, 41);
INSERT INTO caviada_history.posting VALUES (-6536196051703600614, 42);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 37);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 44);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 45);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 46);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 50);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 51);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 54);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 39);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 40);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 47);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 48);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 49);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 55);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 56);
INSERT INTO caviada_history.posting VALUES (2, 51);
INSERT INTO caviada_history.posting VALUES (3, 37);
INSERT INTO caviada_history.posting VALUES (3, 38);
INSERT INTO caviada_history.posting VALUES (3, 39);
INSERT INTO caviada_history.posting VALUES (3, 40);
INSERT INTO caviada_history.posting VALUES (3, 41);
INSERT INTO caviada_history.posting VALUES (3, 42);
INSERT INTO caviada_history.posting VALUES (3, 43);
INSERT INTO caviada_history.posting VALUES (4, 44);
INSERT INTO caviada_history.posting VALUES (4, 45);
INSERT INTO caviada_history.posting VALUES (5, 46);
INSERT INTO caviada_history.posting VALUES (5, 47);
INSERT INTO caviada_history.posting VALUES (5, 48);
INSERT INTO caviada_history.posting VALUES (6, 49);
INSERT INTO caviada_history.posting VALUES (7, 50);
INSERT INTO caviada_history.posting VALUES (8, 52);
INSERT INTO caviada_history.posting VALUES (8, 53);
INSERT INTO caviada_history.posting VALUES (9, 51);
INSERT INTO caviada_history.posting VALUES (11, 37);
INSERT INTO caviada_history.posting VALUES (12, 38);
INSERT INTO caviada_history.posting VALUES (13, 39);
INSERT INTO caviada_history.posting VALUES (13, 40);
INSERT INTO caviada_history.posting VALUES (14, 41);
INSERT INTO caviada_history.posting VALUES (14, 42);
INSERT INTO caviada_history.posting VALUES (15, 43);
INSERT INTO caviada_history.posting VALUES (16, 44);
INSERT INTO caviada_history.posting VALUES (16, 45);
INSERT INTO caviada_history.posting VALUES (17, 52);
INSERT INTO caviada_history.posting VALUES (21, 54);
INSERT INTO caviada_history.posting VALUES (21, 55);
INSERT INTO caviada_history.posting VALUES (26, 36);
INSERT INTO caviada_history.posting VALUES (26, 54);
INSERT INTO caviada_history.posting VALUES (26, 55);
INSERT INTO caviada_history.posting VALUES (26, 56);
INSERT INTO caviada_history.posting VALUES (31, 36);
INSERT INTO caviada_history.posting VALUES (31, 54);
INSERT INTO caviada_history.posting VALUES (32, 55);
INSERT INTO caviada_history.posting VALUES (32, 56);
INSERT INTO caviada_history.posting VALUES (36, 51);
INSERT INTO caviada_history.posting VALUES (55, 46);
INSERT INTO caviada_history.posting VALUES (58, 47);
INSERT INTO caviada_history.posting VALUES (58, 48);
INSERT INTO caviada_history.posting VALUES (61, 49);
INSERT INTO caviada_history.posting VALUES (64, 50);
INSERT INTO caviada_history.posting VALUES (68, 54);
INSERT INTO caviada_history.posting VALUES (71, 55);
INSERT INTO caviada_history.posting VALUES (26, 57);
INSERT INTO caviada_history.posting VALUES (26, 58);
INSERT INTO caviada_history.posting VALUES (26, 59);
INSERT INTO caviada_history.posting VALUES (32, 59);
INSERT INTO caviada_history.posting VALUES (68, 57);
INSERT INTO caviada_history.posting VALUES (71, 58);
INSERT INTO caviada_history.posting VALUES (-8852340878332556357, 61);
INSERT INTO caviada_history.posting VALUES (3, 61);
INSERT INTO caviada_history.posting VALUES (12, 61);
INSERT INTO caviada_history.posting VALUES (22, 60);

INSERT INTO caviada_history.webhook_mark VALUES (35, 61, 4294967295);

INSERT INTO caviada_history.webhook_migration VALUES (1, 1, 'af7f36452381c1e7e1b68eddde96b3210f73bb68982445688d4e313cc098a21f');

ALTER TABLE ONLY caviada.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.host
    ADD CONSTRAINT host_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (revision);

ALTER TABLE ONLY caviada.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY caviada.outcome
    ADD CONSTRAINT outcome_pkey PRIMARY KEY (principal, key);

ALTER TABLE ONLY caviada.pool
    ADD CONSTRAINT pool_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.quota
    ADD CONSTRAINT quota_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.resource_doc
    ADD CONSTRAINT resource_doc_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.resource
    ADD CONSTRAINT resource_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.template
    ADD CONSTRAINT template_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.webhook
    ADD CONSTRAINT webhook_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada_history.history_migration
    ADD CONSTRAINT history_migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY caviada_history.lease_history
    ADD CONSTRAINT lease_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada_history.lease_of
    ADD CONSTRAINT lease_of_pkey PRIMARY KEY (subject, lease);

ALTER TABLE ONLY caviada_history.mark
    ADD CONSTRAINT mark_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada_history.member
    ADD CONSTRAINT member_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada_history.posting
    ADD CONSTRAINT posting_pkey PRIMARY KEY (subject, revision);

ALTER TABLE ONLY caviada_history.webhook_mark
    ADD CONSTRAINT webhook_mark_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada_history.webhook_migration
    ADD CONSTRAINT webhook_migration_pkey PRIMARY KEY (number);

CREATE INDEX lease_history_live ON caviada_history.lease_history USING btree (id) WHERE (ended_at IS NULL);

