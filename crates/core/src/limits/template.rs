//! A template is somebody else's text: each step of reading it must end soon and fit in memory,
//! whatever it says.

use super::{DAY_MS, KIB, MIB, SECOND_MS};

limits! {
    "Templates" {
        /// Files of one template, and so of one entry that takes many: what fits in one journal entry.
        FILES_MAX: usize = 64;
        /// Bytes of all of them together.
        FILES_BYTES_MAX: usize = MIB;
        /// Bytes of one file once it is rendered.
        RENDERED_BYTES_MAX: usize = MIB;
        /// Bytes of all texts that one blueprint is made of, and of all files it puts into services.
        BLUEPRINT_BYTES_MAX: usize = 4 * MIB;
        /// Instructions of the template engine in one rendered file: 200 services need some 20,000.
        FUEL: u64 = 200_000;
        /// Elements of one `range`.
        RANGE_MAX: i64 = 10_000;
        /// Bytes of one `{{ … }}` or `{% … %}`: bounds what a single instruction works on.
        TAG_BYTES_MAX: usize = 2 * KIB;
        /// Depth of `{% if %}` and `{% for %}` inside each other.
        BLOCKS_DEEP_MAX: usize = 32;
        /// Nodes of a YAML or TOML document, what aliases repeat counted again.
        NODES_MAX: usize = 50_000;
        /// Bytes of all texts of a document, what aliases repeat counted again.
        TREE_BYTES_MAX: usize = 4 * MIB;
        /// Nesting of a document.
        DEPTH_MAX: usize = 32;
        /// Problems told at once; more help nobody.
        PROBLEMS_MAX: usize = 100;
        /// Bytes of what one problem says, and of the key it names: the author's own words are in them.
        PROBLEM_BYTES_MAX: usize = KIB;
        /// Services of one resource: the most a single engine is asked to start for one lease.
        SERVICES_MAX: usize = 200;
        /// Host ports of one resource: blocks come from a range of some 20,000.
        PORTS_MAX: usize = 1_024;
        /// Named volumes of one resource.
        VOLUMES_MAX: usize = 400;
        /// Networks beside the default one: engines have few address pools.
        NETWORKS_MAX: usize = 16;
        /// Configs of one compose file.
        CONFIGS_MAX: usize = 400;
        /// Entries of one list or map of a service.
        ENTRIES_MAX: usize = 1_000;
        /// Parameters of a template: a form with more is not filled in.
        PARAMETERS_MAX: usize = 64;
        /// Allowed values of one parameter.
        VALUES_MAX: usize = 64;
        /// Items of a parameter that is a list.
        ITEMS_MAX: usize = 64;
        /// Fields of each item of such a list.
        FIELDS_MAX: usize = 16;
        /// Bytes of a text parameter, and of all texts of an item.
        TEXT_BYTES_MAX: usize = KIB;
        /// Outputs, readiness tests and reset steps, each counted after `*` is spelled out.
        OUTPUTS_MAX: usize = 1_000;
        /// Files that one entry with `count` puts into a service.
        COUNT_MAX: i64 = 1_000;
        /// The longest duration a template may name: a day.
        DURATION_MS_MAX: u64 = DAY_MS;
        /// How long a bring-up may take if the template is silent.
        CREATE_MS_DEFAULT: u64 = 120 * SECOND_MS;
        /// How long a service may take to end when the template is silent, as in Compose.
        STOP_GRACE_MS_DEFAULT: u64 = 10 * SECOND_MS;
        /// Renders of one `check`, and so allowed values of all parameters together.
        CHECKS_MAX: usize = 512;
    }
}
