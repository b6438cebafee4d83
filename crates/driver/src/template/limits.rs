//! Every bound of a template, with its reason. A template is somebody else's text: each step of
//! reading it must end soon and fit in memory whatever it says.

/// Files of one template, and their bytes together: what fits in one journal entry.
pub const FILES_MAX: usize = 64;
/// See [`FILES_MAX`].
pub const FILES_BYTES_MAX: usize = 1 << 20;
/// One rendered file.
pub const RENDERED_BYTES_MAX: usize = 1 << 20;
/// All texts that one blueprint is made of, and all files it puts into services.
pub const BLUEPRINT_BYTES_MAX: usize = 4 << 20;
/// Instructions of the template engine in one rendered file: 200 services need some 20,000.
pub const FUEL: u64 = 200_000;
/// Elements of one `range`.
pub const RANGE_MAX: i64 = 10_000;
/// Bytes of one `{{ … }}` or `{% … %}`: bounds what a single instruction works on.
pub const TAG_BYTES_MAX: usize = 2_048;
/// `{% if %}` and `{% for %}` inside each other.
pub const BLOCKS_DEEP_MAX: usize = 32;
/// Nodes of a YAML or TOML document, what aliases repeat counted again.
pub const NODES_MAX: usize = 50_000;
/// Bytes of all texts of a document, what aliases repeat counted again.
pub const TREE_BYTES_MAX: usize = 4 << 20;
/// Nesting of a document.
pub const DEPTH_MAX: usize = 32;
/// Problems told at once; more help nobody.
pub const PROBLEMS_MAX: usize = 100;
/// Bytes of what one problem says, and of the key it names: the author's own words are in them.
pub const PROBLEM_BYTES_MAX: usize = 1_024;
/// Services of one resource: the most a single engine is asked to start for one lease.
pub const SERVICES_MAX: usize = 200;
/// Host ports of one resource: blocks come from a range of some 20,000.
pub const PORTS_MAX: usize = 1_024;
/// Named volumes of one resource.
pub const VOLUMES_MAX: usize = 400;
/// Networks beside the default one: engines have few address pools.
pub const NETWORKS_MAX: usize = 16;
/// Configs of one compose file.
pub const CONFIGS_MAX: usize = 400;
/// Entries of one list or map of a service.
pub const ENTRIES_MAX: usize = 1_000;
/// Parameters of a template.
pub const PARAMETERS_MAX: usize = 64;
/// Allowed values of one parameter.
pub const VALUES_MAX: usize = 64;
/// Items of a list.
pub const ITEMS_MAX: usize = 64;
/// Fields of each.
pub const FIELDS_MAX: usize = 16;
/// Bytes of a text parameter, and of all texts of an item.
pub const TEXT_BYTES_MAX: usize = 1_024;
/// Outputs, readiness tests and reset steps, each counted after `*` is spelled out.
pub const OUTPUTS_MAX: usize = 1_000;
/// The longest duration a template may name: a day.
pub const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// How long a bring-up may take if the template is silent.
pub const CREATE_MS_DEFAULT: u64 = 120_000;
/// Renders of one `check`, and so allowed values of all parameters together.
pub const CHECKS_MAX: usize = 512;
