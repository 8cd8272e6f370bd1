//! Settings of identity resolution.

pub use crate::model::Scope;

/// Settings of identity resolution.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// Whether links across tenants are allowed.
    pub scope: Scope,
    /// Whether records without a tenant may join a tenant's cluster; otherwise they belong to the default tenant.
    pub adopt_tenantless: bool,
    /// Tenant of people whose tenant is not known.
    pub default_tenant: String,
    /// Tenant of MCA South Africa.
    pub mca_za_tenant: String,
    /// Tenant of MCA United Kingdom.
    pub mca_uk_tenant: String,
    /// The only tenants whose profiles are made, in a pilot; all of them if it is empty. Records are compared as without a pilot, so
    /// that a profile is the same in both.
    pub pilot: Vec<String>,
}

impl Default for ResolveOptions {
    fn default() -> Self {
        Self {
            scope: Scope::Tenant,
            adopt_tenantless: true,
            default_tenant: "default".to_owned(),
            mca_za_tenant: "1".to_owned(),
            mca_uk_tenant: "2".to_owned(),
            pilot: Vec::new(),
        }
    }
}
