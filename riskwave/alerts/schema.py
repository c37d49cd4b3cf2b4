"""The tables of a store of alerts."""

from __future__ import annotations

#: Says "Riskwave alerts" to who looks at the file, and which form of it.
APPLICATION, FORMAT = 0x52574154, 1

TABLES = """
create table alerts (
    id integer primary key,
    event_id text not null unique,
    version integer not null,
    event_ts text not null,
    action text not null,
    severity text not null,
    card_id text not null,
    device_id text,
    ip text,
    merchant_id text,
    merchant_country text,
    channel text,
    amount_minor integer,
    currency text,
    model_score real,
    model_version text,
    rule_ids text not null,
    reasons text not null,
    decided_at text not null,
    revision integer,       -- of a source that counts what was known, and no versions
    raised_at text not null,
    status text not null check (status in ('open', 'acknowledged', 'closed')),
    assignee text,
    snoozed_until text,
    resolution text,
    changed_at text not null,
    changed_by text not null,
    waits_since text,       -- to be told of since then; null: told of, or not to be told of
    route text,             -- of the routes file; null: not looked at yet, or none matches
    open_since text,        -- nobody has acted since then
    level integer not null default 0  -- escalations so far
);
create index alerts_by_status on alerts (status, severity, id);
create index alerts_by_card on alerts (card_id);
create index alerts_that_wait on alerts (waits_since) where waits_since is not null;

create table deeds (
    id integer primary key,
    event_id text not null,
    at text not null,
    who text not null,
    what text not null,
    note text
);
create index deeds_of on deeds (event_id);

create table notifications (
    id integer primary key,
    key text not null unique,  -- receivers tell by it that they know a notification
    kind text not null check (kind in ('alerts', 'digest', 'escalation', 'test')),
    route text not null,
    entity text not null,   -- card:c1; empty for a digest
    made_at text not null
);
create index notifications_of on notifications (route, made_at);

create table told (
    notification integer not null references notifications,
    event_id text not null,
    entity text not null,   -- what it was grouped by; empty in an escalation
    primary key (notification, event_id)
) without rowid;
create index told_of on told (event_id);
create index told_by_entity on told (entity);

create table deliveries (
    id integer primary key,
    notification integer not null references notifications,
    receiver text not null,
    state text not null check (state in ('waiting', 'delivered', 'dead')),
    attempts integer not null default 0,
    refused integer not null default 0,  -- the receiver answers, and does not take this one
    next_at text not null,
    since text not null,
    fault text,
    delivered_at text,
    unique (notification, receiver)
);
create index deliveries_that_wait on deliveries (state, next_at);

create table positions (source text primary key, token text not null);
"""
