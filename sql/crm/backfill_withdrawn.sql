create table if not exists backfill.withdrawn (
  tenant_id text not null,
  channel text not null,
  address text not null,
  scope text not null,
  revoked_at timestamptz,
  reason text not null,
  primary key (tenant_id, channel, address, scope)
);
