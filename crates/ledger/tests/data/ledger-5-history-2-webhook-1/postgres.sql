-- Ledger and history of the program of commit 784e53f3b431, which wrote it itself on PostgreSQL 15,
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

CREATE TABLE caviada.app_user (
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
    outputs text NOT NULL COLLATE pg_catalog."C",
    power text COLLATE pg_catalog."C",
    altered text COLLATE pg_catalog."C"
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
    last bigint NOT NULL,
    reason text COLLATE pg_catalog."C"
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

INSERT INTO caviada.api_key VALUES (1, '{"id":"key_0000000000001","name":"admin","role":"admin","owner":"admin","groups":[],"act_for":[],"hash":[160,72,74,97,133,179,36,226,243,85,25,79,51,68,130,252,121,25,76,216,5,24,81,85,221,207,104,4,253,185,9,10],"declared_in":null,"expires_at":null,"made_at":4102445668563,"changed":{"revision":1,"index":0}}');
INSERT INTO caviada.api_key VALUES (28, '{"id":"key_000000000000w","name":"ci","role":"user","owner":"ci","groups":["staff"],"act_for":["machines"],"hash":[14,164,107,114,19,244,130,169,15,132,82,14,142,225,153,143,76,72,99,208,205,149,136,23,50,84,31,216,102,63,174,147],"declared_in":null,"expires_at":null,"made_at":4102445668787,"changed":{"revision":17,"index":0}}');
INSERT INTO caviada.api_key VALUES (29, '{"id":"key_000000000000x","name":"ops","role":"operator","owner":"olga","groups":[],"act_for":[],"hash":[118,111,67,106,195,27,242,193,42,128,47,107,175,57,190,163,170,1,1,111,188,42,43,108,137,253,204,58,143,177,4,202],"declared_in":null,"expires_at":4102532068789,"made_at":4102445668795,"changed":{"revision":18,"index":0}}');

INSERT INTO caviada.app_user VALUES (36, '{"id":"user_0000000000014","name":"ann","spec":{"role":"operator","active":true,"balance":-3},"profile":{"name":"Ann O''Hara","email":"","bio":"🐎","organization":"","url":"","location":"Main St. 1\nTown"},"password":"$argon2id$v=19$m=19456,t=2,p=1$KxhHSoi0DHQjIuk8XgoKYg$9qk3Y1iCPkP0rbjn6x9CDToK3O8BxwkuttT+jztN1yQ","sessions":{"revision":23,"index":0},"signed_in_at":null,"made_at":4102445668857,"changed":{"revision":23,"index":0}}');
INSERT INTO caviada.app_user VALUES (37, '{"id":"user_0000000000015","name":"ben","spec":{"role":"user","active":false,"balance":0},"profile":{"name":"","email":"","bio":"","organization":"","url":"","location":""},"password":null,"sessions":{"revision":24,"index":0},"signed_in_at":null,"made_at":4102445668893,"changed":{"revision":24,"index":0}}');

INSERT INTO caviada.host VALUES (21, '{"id":"host_000000000000n","name":"here","spec":{"driver":"process","address":"","options":{},"reach":"127.0.0.1","capacity":8,"schedulable":true,"autofill":false,"ports":{"first":21000,"last":21999,"block":4},"network":null,"builds_max":4,"attributes":{"zone":"a"},"labels":{"room":"o''hara''s \"5\" – 🐎"},"declared_in":null,"lost_after_ms":300000},"seen":true,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{"pool_000000000000v":{"cause":"not_ready","tries":1,"until":4102445673932,"since":{"revision":29,"index":2}}},"made_at":4102445668733,"changed":{"revision":29,"index":2}}');
INSERT INTO caviada.host VALUES (22, '{"id":"host_000000000000p","name":"away","spec":{"driver":"docker","address":"ssh://root@127.0.0.1:1","options":{},"credential":"v1.6eff4175.5YwXyVRB-lKxsqEA_aGKvZRJER0Fyx2aAD9_h_bezd-Yf_yxmA5z2HVfAQoyKaHoNI4goluSVhRZThGBZc05B8tJLafFpyUaA0ht3c0ASFGbz4A2kwkmlCGsHo8QqgLCgKHENoYZUrFIUAy_e20U8T9_FSlCSlS6KSY1ZnPDppRbLRwGoseMEsLhvQyP0vsfd00OMzDnJ-c-Mc0PgPakkQl5z-szlU3Llv794t9xEC4j-i4bp-3OumxtSohnX2Kmmk2t5Kf27DTxmF0OPh0uWssHEg8C0U6YnbHDtMSD8QNzOHuY_d2JV_UsrrqXKEKHRrz1UugFjOjIVjns2xNg_YCCXpg48ADT5dniNdGaBsekuC6AUVKlcLab120-09ocYN-TNIqFd-f4QKSclAtoR3jIvwL_rpMbLkaDIqrqb_8aa1edN_8Fo8KnuImw9t-1hcIocf2-46HcEpcmUwq7lLHVTaEBK0zRXPlXBkXY4LdJSRk7MMzOfSC0HV45qEdvg1Jl05XWP36vjFKexk6FT7cskDnA8eDw4ZcQuSoainUE6srpvtIWOpfMFu_rFz0eQ5TQLV-fmb9Qvqbakkdy1011z-sXM-RHPfQ8E-h2tJP4_8wkjD7cPgPWro99WWZXMMjpAqyiv4Q4j1EFjEMqQkpprL_ZZPB6Btl5CJECcpmzaM6DP1ElQFhn4wychx36I4M-pV2HUs_NnMH6miYRozueROuE137IOQ5-gi1PtjJ5m1IxuxFwxEEbNEXByBSpC9hseRWSm8v9","reach":"","capacity":1,"schedulable":false,"autofill":false,"ports":null,"network":null,"builds_max":4,"attributes":{},"labels":{},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":4102445969837,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102445668757,"changed":{"revision":61,"index":0}}');

INSERT INTO caviada.journal VALUES (1, 4102445668563, 1, 0, '[{"by":"system","act":"put_key","events":[{"key.made":{"id":"key_0000000000001","name":"admin","role":"admin","owner":"admin","groups":[],"act_for":[],"hash":[160,72,74,97,133,179,36,226,243,85,25,79,51,68,130,252,121,25,76,216,5,24,81,85,221,207,104,4,253,185,9,10],"declared_in":null,"expires_at":null,"made_at":4102445668563,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (2, 4102445668671, 2, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000002","name":"machines","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"everyone","owners":null},"indexed":["cores"],"attributes":{"arch":"x86_64"},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668671,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (3, 4102445668680, 3, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000003","name":"boards","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668680,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (4, 4102445668688, 4, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000004","name":"washed","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"hook","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668688,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (5, 4102445668700, 5, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000005","name":"addresses","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":true,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"/30","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668700,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (6, 4102445668703, 6, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000006","name":"doors","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"10","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668703,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (33, 4102445668949, 55, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.waiting":{"id":"lease_000000000001b","owner":"cy","by":"key_0000000000001","state":"waiting","items":[{"pool":"pool_0000000000002"}],"priority":7,"fence":0,"asked_at":4102445668949,"wait_until":4102449268949,"labels":{"job":"j-2"},"note":"soon"}}]}]');
INSERT INTO caviada.journal VALUES (61, 4102445669837, 95, 0, '[{"by":"system","act":"record_host","events":[{"host.unseen":["host_000000000000p",4102445969837]}]}]');
INSERT INTO caviada.journal VALUES (7, 4102445668707, 7, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000007","name":"licences","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"seats=1","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668707,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (8, 4102445668712, 8, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_0000000000008","name":"gone","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668712,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (9, 4102445668719, 20, 0, '[{"by":{"key":"key_0000000000001"},"act":"all","events":[{"resource.declared":{"id":"res_0000000000009","pool":"pool_0000000000002","doc":{"name":"Größe \"1\" 🐎 o''hara","attributes":{"cores":4,"gpu":true,"os":"debian; --"},"labels":{"rack":"r1"},"endpoints":[["ssh","10.0.0.1:22"]]},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000a","pool":"pool_0000000000002","doc":{"name":"m2","attributes":{"cores":8},"labels":{"rack":"r1"}},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000b","pool":"pool_0000000000003","doc":{"name":"b1"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000c","pool":"pool_0000000000003","doc":{"name":"b2"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000d","pool":"pool_0000000000003","doc":{"name":"b3"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000e","pool":"pool_0000000000003","doc":{"name":"b4"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000f","pool":"pool_0000000000003","doc":{"name":"b5"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000g","pool":"pool_0000000000004","doc":{"name":"w1"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000h","pool":"pool_0000000000008","doc":{"name":"g1"},"origin":"declared","state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000j","pool":"pool_0000000000005","doc":{"name":"lan"},"origin":{"divisible":"10.0.0.0/24 except 10.0.0.0/30"},"state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000k","pool":"pool_0000000000006","doc":{"name":"d1"},"origin":{"divisible":"20000-20999"},"state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}},{"resource.declared":{"id":"res_000000000000m","pool":"pool_0000000000007","doc":{"name":"l1"},"origin":{"divisible":"seats=100"},"state":"free","health":"well","freed_at":4102445668719,"born_at":4102445668719}}]}]');
INSERT INTO caviada.journal VALUES (10, 4102445668733, 21, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_host","events":[{"host.declared":{"id":"host_000000000000n","name":"here","spec":{"driver":"process","address":"","options":{},"reach":"127.0.0.1","capacity":8,"schedulable":true,"autofill":false,"ports":{"first":21000,"last":21999,"block":4},"network":null,"builds_max":4,"attributes":{"zone":"a"},"labels":{"room":"o''hara''s \"5\" – 🐎"},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102445668733,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (11, 4102445668757, 22, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_host","events":[{"host.declared":{"id":"host_000000000000p","name":"away","spec":{"driver":"docker","address":"ssh://root@127.0.0.1:1","options":{},"credential":"v1.6eff4175.5YwXyVRB-lKxsqEA_aGKvZRJER0Fyx2aAD9_h_bezd-Yf_yxmA5z2HVfAQoyKaHoNI4goluSVhRZThGBZc05B8tJLafFpyUaA0ht3c0ASFGbz4A2kwkmlCGsHo8QqgLCgKHENoYZUrFIUAy_e20U8T9_FSlCSlS6KSY1ZnPDppRbLRwGoseMEsLhvQyP0vsfd00OMzDnJ-c-Mc0PgPakkQl5z-szlU3Llv794t9xEC4j-i4bp-3OumxtSohnX2Kmmk2t5Kf27DTxmF0OPh0uWssHEg8C0U6YnbHDtMSD8QNzOHuY_d2JV_UsrrqXKEKHRrz1UugFjOjIVjns2xNg_YCCXpg48ADT5dniNdGaBsekuC6AUVKlcLab120-09ocYN-TNIqFd-f4QKSclAtoR3jIvwL_rpMbLkaDIqrqb_8aa1edN_8Fo8KnuImw9t-1hcIocf2-46HcEpcmUwq7lLHVTaEBK0zRXPlXBkXY4LdJSRk7MMzOfSC0HV45qEdvg1Jl05XWP36vjFKexk6FT7cskDnA8eDw4ZcQuSoainUE6srpvtIWOpfMFu_rFz0eQ5TQLV-fmb9Qvqbakkdy1011z-sXM-RHPfQ8E-h2tJP4_8wkjD7cPgPWro99WWZXMMjpAqyiv4Q4j1EFjEMqQkpprL_ZZPB6Btl5CJECcpmzaM6DP1ElQFhn4wychx36I4M-pV2HUs_NnMH6miYRozueROuE137IOQ5-gi1PtjJ5m1IxuxFwxEEbNEXByBSpC9hseRWSm8v9","reach":"","capacity":1,"schedulable":false,"autofill":false,"ports":null,"network":null,"builds_max":4,"attributes":{},"labels":{},"declared_in":null,"lost_after_ms":300000},"seen":false,"lost_at":null,"lost":false,"forgotten":false,"retiring":false,"quarantined":[],"backoffs":{},"made_at":4102445668757,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (12, 4102445668763, 23, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.revised":{"id":"tmpl_000000000000q","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"create_ms":120000,"declared_in":null,"made_at":4102445668763,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (58, 4102445669154, 92, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000027","outputs":[["front","http://127.0.0.1:21012"]],"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (13, 4102445668769, 25, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.gone":"tmpl_000000000000q"},{"template.revised":{"id":"tmpl_000000000000r","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''a second revision''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"create_ms":120000,"declared_in":null,"made_at":4102445668769,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (14, 4102445668774, 26, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_template","events":[{"template.revised":{"id":"tmpl_000000000000s","name":"broken","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"exit 3\"]}}}}","template.toml":"name = \"broken\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"create_ms":120000,"declared_in":null,"made_at":4102445668774,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (15, 4102445668777, 27, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_000000000000t","name":"clusters","spec":{"kind":{"built":{"template":"tiny","parameters":"{\"size\":2}"}},"warm":2,"max":4,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"swap","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668777,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (16, 4102445668784, 28, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_pool","events":[{"pool.declared":{"id":"pool_000000000000v","name":"broken","spec":{"kind":{"built":{"template":"broken","parameters":"{}"}},"warm":1,"max":1,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668784,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (17, 4102445668787, 29, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000w","name":"ci","role":"user","owner":"ci","groups":["staff"],"act_for":["machines"],"hash":[14,164,107,114,19,244,130,169,15,132,82,14,142,225,153,143,76,72,99,208,205,149,136,23,50,84,31,216,102,63,174,147],"declared_in":null,"expires_at":null,"made_at":4102445668787,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (18, 4102445668795, 30, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000x","name":"ops","role":"operator","owner":"olga","groups":[],"act_for":[],"hash":[118,111,67,106,195,27,242,193,42,128,47,107,175,57,190,163,170,1,1,111,188,42,43,108,137,253,204,58,143,177,4,202],"declared_in":null,"expires_at":4102532068789,"made_at":4102445668795,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (19, 4102445668798, 31, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_key","events":[{"key.made":{"id":"key_000000000000y","name":"old","role":"user","owner":"old","groups":[],"act_for":[],"hash":[61,167,39,236,163,225,103,236,119,218,81,85,104,198,140,212,136,141,98,87,216,246,58,117,124,24,145,68,241,135,54,67],"declared_in":null,"expires_at":null,"made_at":4102445668798,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (20, 4102445668804, 32, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_key","events":[{"key.gone":"key_000000000000y"}]}]');
INSERT INTO caviada.journal VALUES (21, 4102445668807, 33, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_quota","events":[{"quota.set":{"id":"quota_000000000000z","owner":"ann","spec":{"leases_max":9,"resources_max":20,"quantity_max":{"seats":50}},"declared_in":null,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (22, 4102445668812, 41, 0, '[{"by":"system","act":"record_host","events":[{"host.seen":"host_000000000000n"},{"resource.planned":{"id":"res_0000000000010","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000010"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":0,"subnet":null}},"state":"planned","deadline":4102446268812,"health":"well","freed_at":4102445668812,"born_at":4102445668812}},{"resource.planned":{"id":"res_0000000000011","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000011"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":1,"subnet":null}},"state":"planned","deadline":4102446268812,"health":"well","freed_at":4102445668812,"born_at":4102445668812}},{"resource.planned":{"id":"res_0000000000012","pool":"pool_000000000000v","doc":{"name":"broken-res_0000000000012"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000s","parameters":"{}","block":2,"subnet":null}},"state":"planned","deadline":4102446268812,"health":"well","freed_at":4102445668812,"born_at":4102445668812}},{"resource.creating":["res_0000000000010",4102446268812]},{"resource.creating":["res_0000000000011",4102446268812]},{"resource.creating":["res_0000000000012",4102446268812]}]},{"by":{"key":"key_0000000000001"},"act":"put_webhook","events":[{"webhook.declared":{"id":"hook_0000000000013","name":"chat","spec":{"url":"http://127.0.0.1:40249/hook","events":["lease"],"pools":null},"sealed":"v1.6eff4175.vuee8xmqTa6fTjDPuIRSDei1GWngdJqmYYDnlL5mZuJmn-BgOL9-8BIS0yvkx6fPo_W0U5AxsT_J1N5E-gjFeQ","since":{"revision":0,"index":0},"declared_in":null,"made_at":4102445668812,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (23, 4102445668857, 42, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_user","events":[{"user.set":{"id":"user_0000000000014","name":"ann","spec":{"role":"operator","active":true,"balance":-3},"profile":{"name":"Ann O''Hara","email":"","bio":"🐎","organization":"","url":"","location":"Main St. 1\nTown"},"password":"$argon2id$v=19$m=19456,t=2,p=1$KxhHSoi0DHQjIuk8XgoKYg$9qk3Y1iCPkP0rbjn6x9CDToK3O8BxwkuttT+jztN1yQ","sessions":{"revision":0,"index":0},"signed_in_at":null,"made_at":4102445668857,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (24, 4102445668893, 43, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_user","events":[{"user.set":{"id":"user_0000000000015","name":"ben","spec":{"role":"user","active":false,"balance":0},"profile":{"name":"","email":"","bio":"","organization":"","url":"","location":""},"password":null,"sessions":{"revision":0,"index":0},"signed_in_at":null,"made_at":4102445668893,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (25, 4102445668904, 44, 0, '[{"by":{"key":"key_0000000000001"},"act":"put_user","events":[{"user.set":{"id":"user_0000000000016","name":"gone","spec":{"role":"user","active":true,"balance":0},"profile":{"name":"","email":"","bio":"","organization":"","url":"","location":""},"password":null,"sessions":{"revision":0,"index":0},"signed_in_at":null,"made_at":4102445668904,"changed":{"revision":0,"index":0}}}]}]');
INSERT INTO caviada.journal VALUES (26, 4102445668914, 45, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_user","events":[{"user.gone":"user_0000000000016"}]}]');
INSERT INTO caviada.journal VALUES (27, 4102445668920, 46, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000017","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000002","selector":"cores<=4"}],"fence":40,"members":[{"resource":"res_0000000000009"}],"asked_at":4102445668920,"granted_at":4102445668920,"deadline":4102449268920,"deadline_max":4103050468920,"ttl_ms":3600000,"labels":{"branch":"main","job":"j-1"},"note":"Ann''s \"first\" Größe 🐎 – line; --"}}}]}]');
INSERT INTO caviada.journal VALUES (28, 4102445668928, 47, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000019","owner":"gil","by":"key_0000000000001","items":[{"pool":"pool_0000000000002"}],"fence":42,"members":[{"resource":"res_000000000000a"}],"asked_at":4102445668928,"granted_at":4102445668928,"deadline":4102449268928,"deadline_max":4103050468928,"ttl_ms":3600000}}}]}]');
INSERT INTO caviada.journal VALUES (29, 4102445668932, 51, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000010","outputs":[["front","http://127.0.0.1:21000"]],"retire_at":null}},{"pool.proven":["pool_000000000000t","tmpl_000000000000r"]}]},{"by":"system","act":"record","events":[{"host.backoff":{"host":"host_000000000000n","pool":"pool_000000000000v","cause":"not_ready","tries":1,"until":4102445673932}},{"resource.failed":{"resource":"res_0000000000012","cause":"not_ready: create: main ended with exit code 3 and wrote nothing","retry_at":4102445673932}}]}]');
INSERT INTO caviada.journal VALUES (30, 4102445668936, 52, 0, '[{"by":{"key":"key_0000000000001"},"act":"share","events":[{"lease.shared":["lease_0000000000017",["ben"]]}]}]');
INSERT INTO caviada.journal VALUES (31, 4102445668940, 53, 0, '[{"by":{"key":"key_0000000000001"},"act":"give","events":[{"lease.given":["lease_0000000000019","hal"]}]}]');
INSERT INTO caviada.journal VALUES (32, 4102445668943, 54, 0, '[{"by":{"key":"key_0000000000001"},"act":"renew","events":[{"lease.renewed":["lease_0000000000019",4102452868943]}]}]');
INSERT INTO caviada.journal VALUES (34, 4102445668951, 56, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.waiting":{"id":"lease_000000000001c","owner":"fred","by":"key_0000000000001","state":"waiting","items":[{"pool":"pool_0000000000002"}],"fence":0,"asked_at":4102445668951,"wait_until":4102449268951}}]}]');
INSERT INTO caviada.journal VALUES (35, 4102445668953, 58, 1, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_0000000000011","outputs":[["front","http://127.0.0.1:21004"]],"retire_at":null}}]},{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001c","owner":"fred","fence":0,"end":"cancelled","members":[]}}]}]');
INSERT INTO caviada.journal VALUES (36, 4102445668955, 59, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001d","owner":"dan","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"fence":46,"members":[{"resource":"res_000000000000b"}],"asked_at":4102445668955,"granted_at":4102445668955,"deadline":4102446268955,"deadline_max":4103050468955,"labels":{"job":"j-0"},"note":"done – \"well\""}}}]}]');
INSERT INTO caviada.journal VALUES (37, 4102445668957, 60, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001d","owner":"dan","fence":46,"end":"released","members":[["res_000000000000b",{"free":null}]]}}]}]');
INSERT INTO caviada.journal VALUES (38, 4102445668959, 62, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001f","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"fence":48,"members":[{"resource":"res_000000000000b"}],"asked_at":4102445668959,"granted_at":4102445668959,"deadline":4102446268959,"deadline_max":4103050468959,"slot":"s1"}}},{"outcome.kept":{"at":{"by":"key_0000000000001","key":"again-1"},"digest":[236,184,118,146,168,229,192,178,10,191,153,157,238,97,251,189,47,234,11,187,62,176,14,149,241,230,161,149,94,186,68,29],"subject":{"lease":"lease_000000000001f"},"lease":"lease_000000000001f","until":null}}]}]');
INSERT INTO caviada.journal VALUES (39, 4102445668969, 63, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001h","owner":"eve","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"fence":50,"members":[{"resource":"res_000000000000c"}],"asked_at":4102445668969,"granted_at":4102445668969,"deadline":4102445669969,"deadline_max":4103050468969,"ttl_ms":1000}}}]}]');
INSERT INTO caviada.journal VALUES (40, 4102445668971, 64, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001k","owner":"gil","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"fence":52,"members":[{"resource":"res_000000000000d"}],"asked_at":4102445668971,"granted_at":4102445668971,"deadline":4102446268971,"deadline_max":4103050468971}}}]}]');
INSERT INTO caviada.journal VALUES (41, 4102445668986, 65, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001k","owner":"gil","fence":52,"end":"released","members":[["res_000000000000d",{"withheld":{"reason":"debugging: look at it","clean":true,"until":4102446268986}}]]}}]}]');
INSERT INTO caviada.journal VALUES (42, 4102445668990, 66, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001n","owner":"ivy","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"fence":54,"members":[{"resource":"res_000000000000e"}],"asked_at":4102445668990,"granted_at":4102445668990,"deadline":4102446268990,"deadline_max":4103050468990}}}]}]');
INSERT INTO caviada.journal VALUES (43, 4102445668993, 67, 1, '[{"by":{"key":"key_0000000000001"},"act":"revoke","events":[{"lease.ended":{"lease":"lease_000000000001n","owner":"ivy","fence":54,"end":"revoked","members":[["res_000000000000e",{"free":null}]],"reason":"the \"rack\" moves"}}]}]');
INSERT INTO caviada.journal VALUES (44, 4102445668996, 68, 0, '[{"by":{"key":"key_0000000000001"},"act":"withhold","events":[{"resource.withheld":["res_000000000000f",{"reason":"needs_repair: fan – laut","clean":true,"until":4102449268995}]}]}]');
INSERT INTO caviada.journal VALUES (45, 4102445668998, 69, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_000000000001q","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000004"}],"fence":56,"members":[{"resource":"res_000000000000g"}],"asked_at":4102445668998,"granted_at":4102445668998,"deadline":4102449268998,"deadline_max":4103050468998}}}]}]');
INSERT INTO caviada.journal VALUES (46, 4102445669000, 70, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001q","owner":"ann","fence":56,"end":"released","members":[["res_000000000000g",{"dirty":4102446569000}]]}}]}]');
INSERT INTO caviada.journal VALUES (59, 4102445669200, 93, 0, '[{"by":"system","act":"record","events":[{"resource.built":{"resource":"res_000000000002a","outputs":[["front","http://127.0.0.1:21016"]],"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (60, 4102445669243, 94, 0, '[{"by":"system","act":"record","events":[{"resource.cleaned":{"resource":"res_0000000000011","outputs":[["front","http://127.0.0.1:21004"]],"cooling_until":null,"retire_at":null}}]}]');
INSERT INTO caviada.journal VALUES (47, 4102445669006, 72, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_000000000001t","pool":"pool_0000000000005","doc":{"name":"10.0.0.4/30-1t"},"origin":{"slice":{"parent":"res_000000000000j","part":"10.0.0.4/30"}},"state":"free","health":"well","freed_at":4102445669006,"born_at":4102445669006}},{"lease.granted":{"lease":{"id":"lease_000000000001s","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000005","amount":"/30"}],"fence":59,"members":[{"resource":"res_000000000001t"}],"asked_at":4102445669006,"granted_at":4102445669006}}}]}]');
INSERT INTO caviada.journal VALUES (48, 4102445669009, 74, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_000000000001x","pool":"pool_0000000000005","doc":{"name":"10.0.0.8/30-1x"},"origin":{"slice":{"parent":"res_000000000000j","part":"10.0.0.8/30"}},"state":"free","health":"well","freed_at":4102445669009,"born_at":4102445669009}},{"lease.granted":{"lease":{"id":"lease_000000000001w","owner":"ben","by":"key_0000000000001","items":[{"pool":"pool_0000000000005","amount":"/30"}],"fence":62,"members":[{"resource":"res_000000000001x"}],"asked_at":4102445669009,"granted_at":4102445669009}}}]}]');
INSERT INTO caviada.journal VALUES (49, 4102445669016, 75, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_000000000001w","owner":"ben","fence":62,"end":"released","members":[["res_000000000001x","gone"]]}}]}]');
INSERT INTO caviada.journal VALUES (50, 4102445669030, 77, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_0000000000020","pool":"pool_0000000000006","doc":{"name":"20000-20009-20"},"origin":{"slice":{"parent":"res_000000000000k","part":"20000-20009"}},"state":"free","health":"well","freed_at":4102445669030,"born_at":4102445669030}},{"lease.granted":{"lease":{"id":"lease_000000000001z","owner":"ben","by":"key_0000000000001","items":[{"pool":"pool_0000000000006","amount":"10"}],"fence":65,"members":[{"resource":"res_0000000000020"}],"asked_at":4102445669030,"granted_at":4102445669030,"deadline":4102449269030,"deadline_max":4103050469030}}}]}]');
INSERT INTO caviada.journal VALUES (51, 4102445669036, 79, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"resource.cut":{"id":"res_0000000000023","pool":"pool_0000000000007","doc":{"name":"seats=3-23"},"origin":{"slice":{"parent":"res_000000000000m","part":"seats=3"}},"state":"free","health":"well","freed_at":4102445669036,"born_at":4102445669036}},{"lease.granted":{"lease":{"id":"lease_0000000000022","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000007","amount":"seats=3"}],"fence":68,"members":[{"resource":"res_0000000000023"}],"asked_at":4102445669036,"granted_at":4102445669036,"deadline":4102449269036,"deadline_max":4103050469036}}}]}]');
INSERT INTO caviada.journal VALUES (52, 4102445669046, 80, 0, '[{"by":{"key":"key_0000000000001"},"act":"annotate","events":[{"lease.noted":["lease_0000000000017",{"branch":"größer","job":"j-1"},"Ann''s \"first\" Größe 🐎 – line; --"]}]}]');
INSERT INTO caviada.journal VALUES (53, 4102445669056, 81, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_resource","events":[{"resource.gone":"res_000000000000h"}]}]');
INSERT INTO caviada.journal VALUES (54, 4102445669064, 83, 0, '[{"by":{"key":"key_0000000000001"},"act":"delete_pool","events":[{"pool.retiring":"pool_0000000000008"},{"pool.gone":"pool_0000000000008"}]}]');
INSERT INTO caviada.journal VALUES (55, 4102445669078, 86, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000025","owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_000000000000t"}],"fence":70,"members":[{"resource":"res_0000000000010"}],"asked_at":4102445669078,"granted_at":4102445669078,"deadline":4102449269078,"deadline_max":4103050469078,"ttl_ms":3600000}}},{"resource.planned":{"id":"res_0000000000027","pool":"pool_000000000000t","doc":{"name":"clusters-res_0000000000027"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":3,"subnet":null}},"state":"planned","deadline":4102446269078,"health":"well","freed_at":4102445669078,"born_at":4102445669078}},{"resource.creating":["res_0000000000027",4102446269078]}]}]');
INSERT INTO caviada.journal VALUES (56, 4102445669087, 89, 0, '[{"by":{"key":"key_0000000000001"},"act":"acquire","events":[{"lease.granted":{"lease":{"id":"lease_0000000000028","owner":"ben","by":"key_0000000000001","items":[{"pool":"pool_000000000000t"}],"fence":73,"members":[{"resource":"res_0000000000011"}],"asked_at":4102445669087,"granted_at":4102445669087,"deadline":4102449269087,"deadline_max":4103050469087}}},{"resource.planned":{"id":"res_000000000002a","pool":"pool_000000000000t","doc":{"name":"clusters-res_000000000002a"},"origin":{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":4,"subnet":null}},"state":"planned","deadline":4102446269087,"health":"well","freed_at":4102445669087,"born_at":4102445669087}},{"resource.creating":["res_000000000002a",4102446269087]}]}]');
INSERT INTO caviada.journal VALUES (57, 4102445669100, 91, 1, '[{"by":{"key":"key_0000000000001"},"act":"release","events":[{"lease.ended":{"lease":"lease_0000000000028","owner":"ben","fence":73,"end":"released","members":[["res_0000000000011",{"dirty":4102446569100}]]}},{"resource.cleaning":{"resource":"res_0000000000011","replace":true,"deadline":4102446269100}}]}]');
INSERT INTO caviada.journal VALUES (62, 4102445669970, 96, 1, '[{"events":[{"lease.ended":{"lease":"lease_000000000001h","owner":"eve","fence":50,"end":"expired","members":[["res_000000000000c",{"free":null}]]}}]}]');
INSERT INTO caviada.journal VALUES (63, 4102445670061, 97, 0, '[{"by":{"key":"key_0000000000001"},"act":"power","events":[{"resource.turning":{"resource":"res_0000000000010","turn":{"way":"stop"},"deadline":4102446270061}}]}]');
INSERT INTO caviada.journal VALUES (64, 4102445670084, 98, 0, '[{"by":"system","act":"record","events":[{"resource.turned":"res_0000000000010"}]}]');
INSERT INTO caviada.journal VALUES (65, 4102445670168, 99, 0, '[{"by":{"key":"key_0000000000001"},"act":"import_lease","events":[{"lease.imported":{"id":"lease_000000000002b","owner":"dan","pool":"pool_0000000000003","granted_at":4102437603000,"ended_at":4102439403000,"labels":{"from":"before"},"note":"older"}}]}]');

INSERT INTO caviada.lease VALUES (41, 2, 42, '[[10,0,1]]', '[]', 4102445668928, 4102452868943, 4103050468928, NULL, NULL, 0, 32, 0, '{"owner":"hal","by":"key_0000000000001","items":[{"pool":"pool_0000000000002"}],"ttl_ms":3600000}');
INSERT INTO caviada.lease VALUES (43, 0, 0, '[]', '[]', NULL, NULL, NULL, 4102449268949, NULL, 0, 33, 0, '{"owner":"cy","by":"key_0000000000001","items":[{"pool":"pool_0000000000002"}],"priority":7,"asked_at":4102445668949,"labels":{"job":"j-2"},"note":"soon"}');
INSERT INTO caviada.lease VALUES (47, 2, 48, '[[11,0,1]]', '[]', 4102445668959, 4102446268959, 4103050468959, NULL, NULL, 0, 38, 0, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000003"}],"slot":"s1"}');
INSERT INTO caviada.lease VALUES (57, 2, 59, '[[58,0,1]]', '[]', 4102445669006, NULL, NULL, NULL, NULL, 0, 47, 1, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000005","amount":"/30"}]}');
INSERT INTO caviada.lease VALUES (63, 2, 65, '[[64,0,1]]', '[]', 4102445669030, 4102449269030, 4103050469030, NULL, NULL, 0, 50, 1, '{"owner":"ben","by":"key_0000000000001","items":[{"pool":"pool_0000000000006","amount":"10"}]}');
INSERT INTO caviada.lease VALUES (66, 2, 68, '[[67,0,1]]', '[]', 4102445669036, 4102449269036, 4103050469036, NULL, NULL, 0, 51, 1, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_0000000000007","amount":"seats=3"}]}');
INSERT INTO caviada.lease VALUES (39, 2, 40, '[[9,0,1]]', '[]', 4102445668920, 4102449268920, 4103050468920, NULL, NULL, 0, 52, 0, '{"owner":"ann","by":"key_0000000000001","shared":["ben"],"items":[{"pool":"pool_0000000000002","selector":"cores<=4"}],"ttl_ms":3600000,"labels":{"branch":"größer","job":"j-1"},"note":"Ann''s \"first\" Größe 🐎 – line; --"}');
INSERT INTO caviada.lease VALUES (69, 2, 70, '[[32,0,1]]', '[]', 4102445669078, 4102449269078, 4103050469078, NULL, NULL, 0, 55, 0, '{"owner":"ann","by":"key_0000000000001","items":[{"pool":"pool_000000000000t"}],"ttl_ms":3600000}');

INSERT INTO caviada.meta VALUES (1, 1, 65, 4102445670168, 75, 99, '87d7cb26a8ef74bf', 0);

INSERT INTO caviada.migration VALUES (1, 1, '3f81c69c187ffff770a2afc41fe1105b3c022a3e377a25210d3d02adbba2a62a');
INSERT INTO caviada.migration VALUES (2, 1, '16d6487205864c29b004087e0ec529d927070e2758641f8b8048b54608a105de');
INSERT INTO caviada.migration VALUES (3, 3, '35ab662c4b5b03718ec1a93660244f4859f6c254b7ae9b3c50d686100992295c');
INSERT INTO caviada.migration VALUES (4, 4, '05c7d7fba7e2586d9481f16b7c98f2bf927e6962d0ca0abb75217be608b1e46d');
INSERT INTO caviada.migration VALUES (5, 5, '690e52170db72cdce3d8dec5f23f8d7ec607ba140675d51a0cda3f10a1d9b834');

INSERT INTO caviada.outcome VALUES (1, 'again-1', 'ecb87692a8e5c0b20abf999dee61fbbd2fea0bbb3eb00e95f1e6a1955eba441d', '{"lease":"lease_000000000001f"}', 47, NULL);

INSERT INTO caviada.pool VALUES (2, '{"id":"pool_0000000000002","name":"machines","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"everyone","owners":null},"indexed":["cores"],"attributes":{"arch":"x86_64"},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668671,"changed":{"revision":2,"index":0}}');
INSERT INTO caviada.pool VALUES (3, '{"id":"pool_0000000000003","name":"boards","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668680,"changed":{"revision":3,"index":0}}');
INSERT INTO caviada.pool VALUES (4, '{"id":"pool_0000000000004","name":"washed","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"hook","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668688,"changed":{"revision":4,"index":0}}');
INSERT INTO caviada.pool VALUES (5, '{"id":"pool_0000000000005","name":"addresses","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":true,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"/30","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668700,"changed":{"revision":5,"index":0}}');
INSERT INTO caviada.pool VALUES (6, '{"id":"pool_0000000000006","name":"doors","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"10","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668703,"changed":{"revision":6,"index":0}}');
INSERT INTO caviada.pool VALUES (7, '{"id":"pool_0000000000007","name":"licences","spec":{"kind":"declared","warm":0,"max":0,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"keep","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":"seats=1","declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668707,"changed":{"revision":7,"index":0}}');
INSERT INTO caviada.pool VALUES (27, '{"id":"pool_000000000000v","name":"broken","spec":{"kind":{"built":{"template":"broken","parameters":"{}"}},"warm":1,"max":1,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"keep","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":null,"made_at":4102445668784,"changed":{"revision":16,"index":0}}');
INSERT INTO caviada.pool VALUES (26, '{"id":"pool_000000000000t","name":"clusters","spec":{"kind":{"built":{"template":"tiny","parameters":"{\"size\":2}"}},"warm":2,"max":4,"lease":{"ttl_ms":3600000,"ttl_ms_max":604800000,"endless":false,"claim_within_ms":null,"wait_ms_max":3600000},"recycle":{"class":"replace","cooldown_ms":0,"age_ms_max":null,"uses_max":null},"prepare":false,"pause":false,"holder_images":[],"pick":"first","on_bad":"swap","placement":"spread","visibility":{"holders":"nobody","owners":null},"indexed":[],"attributes":{},"hosts":null,"builds_max":4,"slice":null,"declared_in":null,"deadlines":{"plan_ms":600000,"create_ms":600000,"clean_ms":600000,"prepare_ms":60000,"delete_ms":120000,"retry_ms":5000,"dirty_alert_ms":900000},"tries_max":5},"retiring":false,"proven":"tmpl_000000000000r","made_at":4102445668777,"changed":{"revision":29,"index":1}}');

INSERT INTO caviada.quota VALUES (31, '{"id":"quota_000000000000z","owner":"ann","spec":{"leases_max":9,"resources_max":20,"quantity_max":{"seats":50}},"declared_in":null,"changed":{"revision":21,"index":0}}');

INSERT INTO caviada.resource VALUES (18, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 9, 9);
INSERT INTO caviada.resource VALUES (19, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 9, 10);
INSERT INTO caviada.resource VALUES (20, 2, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 9, 11);
INSERT INTO caviada.resource VALUES (9, 3, 0, 0, 0, NULL, 39, NULL, 40, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 27, 0);
INSERT INTO caviada.resource VALUES (10, 3, 0, 0, 0, NULL, 41, NULL, 42, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 28, 0);
INSERT INTO caviada.resource VALUES (34, 6, 1, 1, 0, 4102445673932, NULL, NULL, 0, NULL, 0, NULL, 4102445668812, 4102445668812, 0, 1, NULL, 'not_ready: create: main ended with exit code 3 and wrote nothing', NULL, 29, 3);
INSERT INTO caviada.resource VALUES (71, 2, 1, 1, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102445669154, 4102445669154, 0, 0, NULL, NULL, NULL, 58, 0);
INSERT INTO caviada.resource VALUES (33, 2, 2, 2, 0, NULL, NULL, NULL, 73, NULL, 0, NULL, 4102445669243, 4102445668953, 1, 0, NULL, NULL, NULL, 60, 0);
INSERT INTO caviada.resource VALUES (12, 2, 0, 0, 0, NULL, NULL, NULL, 50, NULL, 0, NULL, 4102445669970, 4102445668719, 1, 0, NULL, NULL, NULL, 62, 0);
INSERT INTO caviada.resource VALUES (11, 3, 0, 0, 0, NULL, 47, NULL, 48, NULL, 0, NULL, 4102445668957, 4102445668719, 1, 0, NULL, NULL, NULL, 38, 0);
INSERT INTO caviada.resource VALUES (13, 7, 0, 0, 0, 4102446268986, NULL, NULL, 52, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, '{"reason":"debugging: look at it","clean":true,"until":4102446268986}', 41, 0);
INSERT INTO caviada.resource VALUES (32, 3, 1, 2, 0, NULL, 69, NULL, 70, NULL, 0, NULL, 4102445668932, 4102445668932, 0, 0, NULL, NULL, NULL, 64, 0);
INSERT INTO caviada.resource VALUES (14, 2, 0, 0, 0, NULL, NULL, NULL, 54, NULL, 0, NULL, 4102445668993, 4102445668719, 1, 0, NULL, NULL, NULL, 43, 0);
INSERT INTO caviada.resource VALUES (15, 7, 0, 0, 0, 4102449268995, NULL, NULL, 0, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, '{"reason":"needs_repair: fan – laut","clean":true,"until":4102449268995}', 44, 0);
INSERT INTO caviada.resource VALUES (16, 4, 0, 0, 0, 4102446569000, NULL, NULL, 56, NULL, 0, NULL, 4102445668719, 4102445668719, 0, 0, NULL, NULL, NULL, 46, 0);
INSERT INTO caviada.resource VALUES (58, 3, 0, 0, 0, NULL, 57, NULL, 59, NULL, 0, NULL, 4102445669006, 4102445669006, 0, 0, NULL, NULL, NULL, 47, 1);
INSERT INTO caviada.resource VALUES (64, 3, 0, 0, 0, NULL, 63, NULL, 65, NULL, 0, NULL, 4102445669030, 4102445669030, 0, 0, NULL, NULL, NULL, 50, 1);
INSERT INTO caviada.resource VALUES (67, 3, 0, 0, 0, NULL, 66, NULL, 68, NULL, 0, NULL, 4102445669036, 4102445669036, 0, 0, NULL, NULL, NULL, 51, 1);
INSERT INTO caviada.resource VALUES (74, 2, 1, 1, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, 4102445669200, 4102445669200, 0, 0, NULL, NULL, NULL, 59, 0);

INSERT INTO caviada.resource_doc VALUES (9, 2, '"declared"', '{"name":"Größe \"1\" 🐎 o''hara","attributes":{"cores":4,"gpu":true,"os":"debian; --"},"labels":{"rack":"r1"},"endpoints":[["ssh","10.0.0.1:22"]]}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (10, 2, '"declared"', '{"name":"m2","attributes":{"cores":8},"labels":{"rack":"r1"}}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (11, 3, '"declared"', '{"name":"b1"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (12, 3, '"declared"', '{"name":"b2"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (13, 3, '"declared"', '{"name":"b3"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (14, 3, '"declared"', '{"name":"b4"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (15, 3, '"declared"', '{"name":"b5"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (16, 4, '"declared"', '{"name":"w1"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (18, 5, '{"divisible":"10.0.0.0/24 except 10.0.0.0/30"}', '{"name":"lan"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (19, 6, '{"divisible":"20000-20999"}', '{"name":"d1"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (20, 7, '{"divisible":"seats=100"}', '{"name":"l1"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (34, 27, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000s","parameters":"{}","block":2,"subnet":null}}', '{"name":"broken-res_0000000000012"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (58, 5, '{"slice":{"parent":"res_000000000000j","part":"10.0.0.4/30"}}', '{"name":"10.0.0.4/30-1t"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (64, 6, '{"slice":{"parent":"res_000000000000k","part":"20000-20009"}}', '{"name":"20000-20009-20"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (67, 7, '{"slice":{"parent":"res_000000000000m","part":"seats=3"}}', '{"name":"seats=3-23"}', '[]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (71, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":3,"subnet":null}}', '{"name":"clusters-res_0000000000027"}', '[["front","http://127.0.0.1:21012"]]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (74, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":4,"subnet":null}}', '{"name":"clusters-res_000000000002a"}', '[["front","http://127.0.0.1:21016"]]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (33, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":1,"subnet":null}}', '{"name":"clusters-res_0000000000011"}', '[["front","http://127.0.0.1:21004"]]', NULL, NULL);
INSERT INTO caviada.resource_doc VALUES (32, 26, '{"built":{"host":"host_000000000000n","template":"tmpl_000000000000r","parameters":"{\"size\":2}","block":0,"subnet":null}}', '{"name":"clusters-res_0000000000010"}', '[["front","http://127.0.0.1:21000"]]', '{"stopped":true}', NULL);

INSERT INTO caviada.template VALUES (24, '{"id":"tmpl_000000000000r","name":"tiny","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"while :; do sleep 1; done\"]}}}}","template.toml":"name = \"tiny\"\ndescription = ''a second revision''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"create_ms":120000,"declared_in":null,"made_at":4102445668769,"changed":{"revision":13,"index":1}}');
INSERT INTO caviada.template VALUES (25, '{"id":"tmpl_000000000000s","name":"broken","files":{"compose.yaml":"{\"services\": {\"main\": {\"image\": \"none\", \"ports\": [\"8080\"], \"x-caviada-process\": {\"program\": \"/bin/sh\", \"args\": [\"-c\", \"exit 3\"]}}}}","template.toml":"name = \"broken\"\ndescription = ''Größe \"1\"''\ndrivers = [\"process\"]\n[parameters.size]\ntype = \"int\"\ndefault = 1\nmin = 1\nmax = 9\ndescription = \"How large\"\n[[outputs]]\nname = \"front\"\nport = { service = \"main\", port = 8080 }\nformat = \"http://{address}:{port}\"\n"},"drivers":["process"],"ports":true,"reset":false,"create_ms":120000,"declared_in":null,"made_at":4102445668774,"changed":{"revision":14,"index":0}}');

INSERT INTO caviada.webhook VALUES (35, '{"id":"hook_0000000000013","name":"chat","spec":{"url":"http://127.0.0.1:40249/hook","events":["lease"],"pools":null},"sealed":"v1.6eff4175.vuee8xmqTa6fTjDPuIRSDei1GWngdJqmYYDnlL5mZuJmn-BgOL9-8BIS0yvkx6fPo_W0U5AxsT_J1N5E-gjFeQ","since":{"revision":22,"index":7},"declared_in":null,"made_at":4102445668812,"changed":{"revision":22,"index":7}}');

INSERT INTO caviada_history.history_migration VALUES (1, 1, '20ca9817df660e3cbe33e97b4ac58b5803f798ea2e72be6d5272f6bd0682c1ef');
INSERT INTO caviada_history.history_migration VALUES (2, 1, 'a9199ec27e4806b6665646ed972521220f1928952427c7267553f008dfaa5494');

INSERT INTO caviada_history.lease_history VALUES (44, '["fred"]', 1, 5, 4102445668951, NULL, 4102445668953, '"cancelled"', 0, '[2]', '[]', '[]', '{}', NULL, 34, 35, NULL);
INSERT INTO caviada_history.lease_history VALUES (45, '["dan"]', 1, 5, 4102445668955, 4102445668955, 4102445668957, '"released"', 46, '[3]', '[11]', '[]', '{"job":"j-0"}', 'done – "well"', 36, 37, NULL);
INSERT INTO caviada_history.lease_history VALUES (51, '["gil"]', 1, 5, 4102445668971, 4102445668971, 4102445668986, '"released"', 52, '[3]', '[13]', '[]', '{}', NULL, 40, 41, NULL);
INSERT INTO caviada_history.lease_history VALUES (53, '["ivy"]', 1, 5, 4102445668990, 4102445668990, 4102445668993, '"revoked"', 54, '[3]', '[14]', '[]', '{}', NULL, 42, 43, 'the "rack" moves');
INSERT INTO caviada_history.lease_history VALUES (55, '["ann"]', 1, 5, 4102445668998, 4102445668998, 4102445669000, '"released"', 56, '[4]', '[16]', '[]', '{}', NULL, 45, 46, NULL);
INSERT INTO caviada_history.lease_history VALUES (60, '["ben"]', 1, 5, 4102445669009, 4102445669009, 4102445669016, '"released"', 62, '[5]', '[61]', '[]', '{}', NULL, 48, 49, NULL);
INSERT INTO caviada_history.lease_history VALUES (72, '["ben"]', 1, 5, 4102445669087, 4102445669087, 4102445669100, '"released"', 73, '[26]', '[33]', '[]', '{}', NULL, 56, 57, NULL);
INSERT INTO caviada_history.lease_history VALUES (39, '["ann"]', 1, 5, 4102445668920, 4102445668920, NULL, NULL, 40, '[2]', '[9]', '[]', '{"branch":"größer","job":"j-1"}', 'Ann''s "first" Größe 🐎 – line; --', 27, 52, NULL);
INSERT INTO caviada_history.lease_history VALUES (41, '["gil","hal"]', 1, 5, 4102445668928, 4102445668928, NULL, NULL, 42, '[2]', '[10]', '[]', '{}', NULL, 28, 32, NULL);
INSERT INTO caviada_history.lease_history VALUES (43, '["cy"]', 1, 7, 4102445668949, NULL, NULL, NULL, 0, '[2]', '[]', '[]', '{"job":"j-2"}', 'soon', 33, 33, NULL);
INSERT INTO caviada_history.lease_history VALUES (47, '["ann"]', 1, 5, 4102445668959, 4102445668959, NULL, NULL, 48, '[3]', '[11]', '[]', '{}', NULL, 38, 38, NULL);
INSERT INTO caviada_history.lease_history VALUES (57, '["ann"]', 1, 5, 4102445669006, 4102445669006, NULL, NULL, 59, '[5]', '[58]', '[]', '{}', NULL, 47, 47, NULL);
INSERT INTO caviada_history.lease_history VALUES (63, '["ben"]', 1, 5, 4102445669030, 4102445669030, NULL, NULL, 65, '[6]', '[64]', '[]', '{}', NULL, 50, 50, NULL);
INSERT INTO caviada_history.lease_history VALUES (66, '["ann"]', 1, 5, 4102445669036, 4102445669036, NULL, NULL, 68, '[7]', '[67]', '[]', '{}', NULL, 51, 51, NULL);
INSERT INTO caviada_history.lease_history VALUES (69, '["ann"]', 1, 5, 4102445669078, 4102445669078, NULL, NULL, 70, '[26]', '[32]', '[]', '{}', NULL, 55, 55, NULL);
INSERT INTO caviada_history.lease_history VALUES (49, '["eve"]', 1, 5, 4102445668969, 4102445668969, 4102445669970, '"expired"', 50, '[3]', '[12]', '[]', '{}', NULL, 39, 62, NULL);
INSERT INTO caviada_history.lease_history VALUES (75, '["dan"]', NULL, 0, 4102437603000, 4102437603000, 4102439403000, '"released"', 0, '[3]', '[]', '[]', '{"from":"before"}', 'older', 65, 65, NULL);

INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 39);
INSERT INTO caviada_history.lease_of VALUES (2, 39);
INSERT INTO caviada_history.lease_of VALUES (9, 39);
INSERT INTO caviada_history.lease_of VALUES (-8852340878332556357, 49);
INSERT INTO caviada_history.lease_of VALUES (-6690848441372651209, 41);
INSERT INTO caviada_history.lease_of VALUES (-6536196051703600614, 53);
INSERT INTO caviada_history.lease_of VALUES (-4814077981241735798, 43);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 47);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 55);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 57);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 66);
INSERT INTO caviada_history.lease_of VALUES (-3922250388433321938, 69);
INSERT INTO caviada_history.lease_of VALUES (-3713804738621578150, 41);
INSERT INTO caviada_history.lease_of VALUES (-3713804738621578150, 51);
INSERT INTO caviada_history.lease_of VALUES (-3400284904005860659, 44);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 60);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 63);
INSERT INTO caviada_history.lease_of VALUES (-1801291843959830514, 72);
INSERT INTO caviada_history.lease_of VALUES (-1418865075425116011, 45);
INSERT INTO caviada_history.lease_of VALUES (2, 41);
INSERT INTO caviada_history.lease_of VALUES (2, 43);
INSERT INTO caviada_history.lease_of VALUES (2, 44);
INSERT INTO caviada_history.lease_of VALUES (3, 45);
INSERT INTO caviada_history.lease_of VALUES (3, 47);
INSERT INTO caviada_history.lease_of VALUES (3, 49);
INSERT INTO caviada_history.lease_of VALUES (3, 51);
INSERT INTO caviada_history.lease_of VALUES (3, 53);
INSERT INTO caviada_history.lease_of VALUES (4, 55);
INSERT INTO caviada_history.lease_of VALUES (5, 57);
INSERT INTO caviada_history.lease_of VALUES (5, 60);
INSERT INTO caviada_history.lease_of VALUES (6, 63);
INSERT INTO caviada_history.lease_of VALUES (7, 66);
INSERT INTO caviada_history.lease_of VALUES (10, 41);
INSERT INTO caviada_history.lease_of VALUES (11, 45);
INSERT INTO caviada_history.lease_of VALUES (11, 47);
INSERT INTO caviada_history.lease_of VALUES (12, 49);
INSERT INTO caviada_history.lease_of VALUES (13, 51);
INSERT INTO caviada_history.lease_of VALUES (14, 53);
INSERT INTO caviada_history.lease_of VALUES (16, 55);
INSERT INTO caviada_history.lease_of VALUES (26, 69);
INSERT INTO caviada_history.lease_of VALUES (26, 72);
INSERT INTO caviada_history.lease_of VALUES (32, 69);
INSERT INTO caviada_history.lease_of VALUES (33, 72);
INSERT INTO caviada_history.lease_of VALUES (58, 57);
INSERT INTO caviada_history.lease_of VALUES (61, 60);
INSERT INTO caviada_history.lease_of VALUES (64, 63);
INSERT INTO caviada_history.lease_of VALUES (67, 66);
INSERT INTO caviada_history.lease_of VALUES (-1418865075425116011, 75);
INSERT INTO caviada_history.lease_of VALUES (3, 75);

INSERT INTO caviada_history.mark VALUES (1, 65, 4102445670168);

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
INSERT INTO caviada_history.member VALUES (32, 26, 'clusters-res_0000000000010', NULL);
INSERT INTO caviada_history.member VALUES (33, 26, 'clusters-res_0000000000011', NULL);
INSERT INTO caviada_history.member VALUES (34, 27, 'broken-res_0000000000012', NULL);
INSERT INTO caviada_history.member VALUES (58, 5, '10.0.0.4/30-1t', NULL);
INSERT INTO caviada_history.member VALUES (61, 5, '10.0.0.8/30-1x', 4102445669016);
INSERT INTO caviada_history.member VALUES (64, 6, '20000-20009-20', NULL);
INSERT INTO caviada_history.member VALUES (67, 7, 'seats=3-23', NULL);
INSERT INTO caviada_history.member VALUES (71, 26, 'clusters-res_0000000000027', NULL);
INSERT INTO caviada_history.member VALUES (74, 26, 'clusters-res_000000000002a', NULL);
INSERT INTO caviada_history.member VALUES (17, 8, 'g1', 4102445669056);

INSERT INTO caviada_history.posting VALUES (-8328995306884496363, 1);
INSERT INTO caviada_history.posting VALUES (1, 1);
INSERT INTO caviada_history.posting VALUES (2, 2);
INSERT INTO caviada_history.posting VALUES (3, 3);
INSERT INTO caviada_history.posting VALUES (4, 4);
INSERT INTO caviada_history.posting VALUES (5, 5);
INSERT INTO caviada_history.posting VALUES (6, 6);
INSERT INTO caviada_history.posting VALUES (7, 7);
INSERT INTO caviada_history.posting VALUES (8, 8);
INSERT INTO caviada_history.posting VALUES (-7271756240753380450, 17);
INSERT INTO caviada_history.posting VALUES (-6324256884567906684, 25);
INSERT INTO caviada_history.posting VALUES (-4636025592781484804, 18);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 21);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 23);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 27);
INSERT INTO caviada_history.posting VALUES (-3773898465407732098, 19);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 24);
INSERT INTO caviada_history.posting VALUES (2, 9);
INSERT INTO caviada_history.posting VALUES (2, 27);
INSERT INTO caviada_history.posting VALUES (3, 9);
INSERT INTO caviada_history.posting VALUES (4, 9);
INSERT INTO caviada_history.posting VALUES (5, 9);
INSERT INTO caviada_history.posting VALUES (6, 9);
INSERT INTO caviada_history.posting VALUES (7, 9);
INSERT INTO caviada_history.posting VALUES (8, 9);
INSERT INTO caviada_history.posting VALUES (9, 9);
INSERT INTO caviada_history.posting VALUES (9, 27);
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
INSERT INTO caviada_history.posting VALUES (21, 22);
INSERT INTO caviada_history.posting VALUES (22, 11);
INSERT INTO caviada_history.posting VALUES (23, 12);
INSERT INTO caviada_history.posting VALUES (23, 13);
INSERT INTO caviada_history.posting VALUES (24, 13);
INSERT INTO caviada_history.posting VALUES (25, 14);
INSERT INTO caviada_history.posting VALUES (26, 15);
INSERT INTO caviada_history.posting VALUES (26, 22);
INSERT INTO caviada_history.posting VALUES (27, 16);
INSERT INTO caviada_history.posting VALUES (27, 22);
INSERT INTO caviada_history.posting VALUES (28, 17);
INSERT INTO caviada_history.posting VALUES (29, 18);
INSERT INTO caviada_history.posting VALUES (30, 19);
INSERT INTO caviada_history.posting VALUES (30, 20);
INSERT INTO caviada_history.posting VALUES (31, 21);
INSERT INTO caviada_history.posting VALUES (32, 22);
INSERT INTO caviada_history.posting VALUES (33, 22);
INSERT INTO caviada_history.posting VALUES (34, 22);
INSERT INTO caviada_history.posting VALUES (35, 22);
INSERT INTO caviada_history.posting VALUES (36, 23);
INSERT INTO caviada_history.posting VALUES (37, 24);
INSERT INTO caviada_history.posting VALUES (38, 25);
INSERT INTO caviada_history.posting VALUES (38, 26);
INSERT INTO caviada_history.posting VALUES (-8852340878332556357, 39);
INSERT INTO caviada_history.posting VALUES (-6690848441372651209, 31);
INSERT INTO caviada_history.posting VALUES (-6690848441372651209, 32);
INSERT INTO caviada_history.posting VALUES (-6536196051703600614, 42);
INSERT INTO caviada_history.posting VALUES (-6536196051703600614, 43);
INSERT INTO caviada_history.posting VALUES (-4814077981241735798, 33);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 30);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 38);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 45);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 46);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 47);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 51);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 52);
INSERT INTO caviada_history.posting VALUES (-3922250388433321938, 55);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 28);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 31);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 32);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 40);
INSERT INTO caviada_history.posting VALUES (-3713804738621578150, 41);
INSERT INTO caviada_history.posting VALUES (-3400284904005860659, 34);
INSERT INTO caviada_history.posting VALUES (-3400284904005860659, 35);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 48);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 49);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 50);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 56);
INSERT INTO caviada_history.posting VALUES (-1801291843959830514, 57);
INSERT INTO caviada_history.posting VALUES (-1418865075425116011, 36);
INSERT INTO caviada_history.posting VALUES (-1418865075425116011, 37);
INSERT INTO caviada_history.posting VALUES (2, 28);
INSERT INTO caviada_history.posting VALUES (2, 30);
INSERT INTO caviada_history.posting VALUES (2, 31);
INSERT INTO caviada_history.posting VALUES (2, 32);
INSERT INTO caviada_history.posting VALUES (2, 33);
INSERT INTO caviada_history.posting VALUES (2, 34);
INSERT INTO caviada_history.posting VALUES (2, 52);
INSERT INTO caviada_history.posting VALUES (3, 36);
INSERT INTO caviada_history.posting VALUES (3, 37);
INSERT INTO caviada_history.posting VALUES (3, 38);
INSERT INTO caviada_history.posting VALUES (3, 39);
INSERT INTO caviada_history.posting VALUES (3, 40);
INSERT INTO caviada_history.posting VALUES (3, 41);
INSERT INTO caviada_history.posting VALUES (3, 42);
INSERT INTO caviada_history.posting VALUES (3, 43);
INSERT INTO caviada_history.posting VALUES (3, 44);
INSERT INTO caviada_history.posting VALUES (4, 45);
INSERT INTO caviada_history.posting VALUES (4, 46);
INSERT INTO caviada_history.posting VALUES (5, 47);
INSERT INTO caviada_history.posting VALUES (5, 48);
INSERT INTO caviada_history.posting VALUES (5, 49);
INSERT INTO caviada_history.posting VALUES (6, 50);
INSERT INTO caviada_history.posting VALUES (7, 51);
INSERT INTO caviada_history.posting VALUES (8, 53);
INSERT INTO caviada_history.posting VALUES (8, 54);
INSERT INTO caviada_history.posting VALUES (9, 30);
INSERT INTO caviada_history.posting VALUES (9, 52);
INSERT INTO caviada_history.posting VALUES (10, 28);
INSERT INTO caviada_history.posting VALUES (10, 31);
INSERT INTO caviada_history.posting VALUES (10, 32);
INSERT INTO caviada_history.posting VALUES (11, 36);
INSERT INTO caviada_history.posting VALUES (11, 37);
INSERT INTO caviada_history.posting VALUES (11, 38);
INSERT INTO caviada_history.posting VALUES (12, 39);
INSERT INTO caviada_history.posting VALUES (13, 40);
INSERT INTO caviada_history.posting VALUES (13, 41);
INSERT INTO caviada_history.posting VALUES (14, 42);
INSERT INTO caviada_history.posting VALUES (14, 43);
INSERT INTO caviada_history.posting VALUES (15, 44);
INSERT INTO caviada_history.posting VALUES (16, 45);
INSERT INTO caviada_history.posting VALUES (16, 46);
INSERT INTO caviada_history.posting VALUES (17, 53);
INSERT INTO caviada_history.posting VALUES (21, 29);
INSERT INTO caviada_history.posting VALUES (21, 55);
INSERT INTO caviada_history.posting VALUES (21, 56);
INSERT INTO caviada_history.posting VALUES (24, 29);
INSERT INTO caviada_history.posting VALUES (26, 29);
INSERT INTO caviada_history.posting VALUES (26, 35);
INSERT INTO caviada_history.posting VALUES (26, 55);
INSERT INTO caviada_history.posting VALUES (26, 56);
INSERT INTO caviada_history.posting VALUES (26, 57);
INSERT INTO caviada_history.posting VALUES (27, 29);
INSERT INTO caviada_history.posting VALUES (32, 29);
INSERT INTO caviada_history.posting VALUES (32, 55);
INSERT INTO caviada_history.posting VALUES (33, 35);
INSERT INTO caviada_history.posting VALUES (33, 56);
INSERT INTO caviada_history.posting VALUES (33, 57);
INSERT INTO caviada_history.posting VALUES (34, 29);
INSERT INTO caviada_history.posting VALUES (39, 30);
INSERT INTO caviada_history.posting VALUES (39, 52);
INSERT INTO caviada_history.posting VALUES (41, 31);
INSERT INTO caviada_history.posting VALUES (41, 32);
INSERT INTO caviada_history.posting VALUES (58, 47);
INSERT INTO caviada_history.posting VALUES (61, 48);
INSERT INTO caviada_history.posting VALUES (61, 49);
INSERT INTO caviada_history.posting VALUES (64, 50);
INSERT INTO caviada_history.posting VALUES (67, 51);
INSERT INTO caviada_history.posting VALUES (71, 55);
INSERT INTO caviada_history.posting VALUES (74, 56);
INSERT INTO caviada_history.posting VALUES (26, 58);
INSERT INTO caviada_history.posting VALUES (26, 59);
INSERT INTO caviada_history.posting VALUES (26, 60);
INSERT INTO caviada_history.posting VALUES (33, 60);
INSERT INTO caviada_history.posting VALUES (71, 58);
INSERT INTO caviada_history.posting VALUES (74, 59);
INSERT INTO caviada_history.posting VALUES (-8852340878332556357, 62);
INSERT INTO caviada_history.posting VALUES (3, 62);
INSERT INTO caviada_history.posting VALUES (12, 62);
INSERT INTO caviada_history.posting VALUES (22, 61);
INSERT INTO caviada_history.posting VALUES (-1418865075425116011, 65);
INSERT INTO caviada_history.posting VALUES (3, 65);
INSERT INTO caviada_history.posting VALUES (26, 63);
INSERT INTO caviada_history.posting VALUES (26, 64);
INSERT INTO caviada_history.posting VALUES (32, 63);
INSERT INTO caviada_history.posting VALUES (32, 64);

INSERT INTO caviada_history.webhook_mark VALUES (35, 65, 4294967295);

INSERT INTO caviada_history.webhook_migration VALUES (1, 1, 'af7f36452381c1e7e1b68eddde96b3210f73bb68982445688d4e313cc098a21f');

ALTER TABLE ONLY caviada.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY caviada.app_user
    ADD CONSTRAINT app_user_pkey PRIMARY KEY (id);

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

