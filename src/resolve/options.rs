//! What the configuration decides about identity.

/// Whether tenants divide people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nobody is linked across tenants.
    Tenant,
    /// Keys match across tenants.
    Global,
}

/// What the configuration decides about identity.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether tenants divide people.
    pub scope: Scope,
    /// Whether tenant-less records may join a tenant's cluster; otherwise they live in the default tenant.
    pub adopt_tenantless: bool,
    /// Tenant of people whom nothing places.
    pub default_tenant: String,
    /// Tenant of MCA South Africa.
    pub mca_za_tenant: String,
    /// Tenant of MCA United Kingdom.
    pub mca_uk_tenant: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::Tenant,
            adopt_tenantless: true,
            default_tenant: "default".to_owned(),
            mca_za_tenant: "1".to_owned(),
            mca_uk_tenant: "2".to_owned(),
        }
    }
}
