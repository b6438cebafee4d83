//! A table of one noun: a persistent ordered map whose clone is a snapshot, and which remembers
//! what was touched so that a commit writes just those rows.

use std::sync::Arc;

use imbl::OrdMap;

/// Rows by key, and the keys touched since the last commit.
#[derive(Debug, Clone)]
pub struct Table<K: Ord, V> {
    rows: OrdMap<K, Arc<V>>,
    touched: Vec<K>,
}

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: OrdMap::new(),
            touched: Vec::new(),
        }
    }
}

/// Two tables are equal when their rows are; what was touched is bookkeeping.
impl<K: Ord + Clone, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    /// One row.
    pub fn get(&self, key: &K) -> Option<&Arc<V>> {
        self.rows.get(key)
    }

    /// Every row in the order of its key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &Arc<V>)> {
        self.rows.iter()
    }

    /// Rows from a key on.
    pub fn range<R: std::ops::RangeBounds<K>>(
        &self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &Arc<V>)> {
        self.rows.range(range)
    }

    /// Every value in the order of its key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Arc<V>> {
        self.rows.iter().map(|(_, v)| v)
    }

    /// Nothing was changed between the two, as far as can be told without looking at rows.
    pub fn is_same(&self, other: &Self) -> bool {
        self.rows.ptr_eq(&other.rows)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Keys touched since the last call, each once; a key without a row was removed.
    pub fn take_touched(&mut self) -> Vec<K> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    pub(crate) fn insert(&mut self, key: K, row: Arc<V>) {
        self.touched.push(key.clone());
        self.rows.insert(key, row);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<Arc<V>> {
        self.touched.push(key.clone());
        self.rows.remove(key)
    }

    /// The row for changing in place; copied first if a snapshot still holds it.
    pub(crate) fn edit(&mut self, key: &K) -> Option<&mut V> {
        self.touched.push(key.clone());
        self.rows.get_mut(key).map(Arc::make_mut)
    }

    /// Rows as they were loaded: nothing touched.
    pub(crate) fn load(rows: impl IntoIterator<Item = (K, V)>) -> Self {
        Self {
            rows: rows.into_iter().map(|(k, v)| (k, Arc::new(v))).collect(),
            touched: Vec::new(),
        }
    }
}
