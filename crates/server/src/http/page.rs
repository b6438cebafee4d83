//! Pages of lists: how many, from where, and where the next begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caviada_api::list::{LIMIT_DEFAULT, LIMIT_MAX, List, PageQuery};
use caviada_core::limits;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::problem::Error;

/// One page that is asked for: its size and the key after which it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<K> {
    /// Most items on it.
    pub limit: usize,
    /// Begins after this one.
    pub after: Option<K>,
    /// What list this is a page of, with all its conditions.
    list: [u8; 8],
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads size and cursor of a list with these conditions.
    ///
    /// # Errors
    /// A size out of bounds, and a cursor that is not of this list.
    pub fn of(
        limit: Option<u32>,
        cursor: Option<&str>,
        list: &str,
        conditions: &impl Serialize,
    ) -> Result<Self, Error> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Error::invalid("limit", format!("1 to {LIMIT_MAX}")));
        }
        let conditions = serde_json::to_vec(conditions).unwrap_or_default();
        let hash = Sha256::new().chain_update(list).chain_update(conditions);
        let hash: [u8; 32] = hash.finalize().into();
        let mut list = [0; 8];
        list.copy_from_slice(&hash[..8]);
        let after = cursor.map(|text| read(text, list)).transpose()?;
        Ok(Self {
            limit: limit as usize,
            after,
            list,
        })
    }

    /// The same for a list without conditions.
    ///
    /// # Errors
    /// As [`Page::of`].
    pub fn plain(query: &PageQuery, list: &str) -> Result<Self, Error> {
        Self::of(query.limit, query.cursor.as_deref(), list, &())
    }

    /// Cursor of the page that begins after `key`.
    pub fn cursor(&self, key: &K) -> String {
        let mut bytes = self.list.to_vec();
        bytes.extend(serde_json::to_vec(key).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The first items of `rest`, which begins where the page begins, and where the next does.
    pub fn fill<T>(&self, revision: u64, rest: impl IntoIterator<Item = (K, T)>) -> List<T> {
        let mut items = Vec::new();
        let mut last = None;
        for (key, item) in rest {
            if items.len() == self.limit {
                return List {
                    items,
                    revision,
                    next: last.as_ref().map(|key| self.cursor(key)),
                };
            }
            items.push(item);
            last = Some(key);
        }
        List {
            items,
            revision,
            next: None,
        }
    }
}

fn read<K: DeserializeOwned>(text: &str, list: [u8; 8]) -> Result<K, Error> {
    let foreign = || {
        Error::malformed(
            "cursor",
            "take it from `next` of the page before, for the same list",
        )
    };
    if text.len() > limits::server::CURSOR_CHARS_MAX {
        return Err(foreign());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
    let key = bytes.strip_prefix(&list).ok_or_else(foreign)?;
    serde_json::from_slice(key).map_err(|_| foreign())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(cursor: Option<&str>, conditions: &str) -> Result<Page<u32>, Error> {
        Page::of(Some(2), cursor, "pools", &conditions)
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let all = [1u32, 2, 3, 4, 5];
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let page = page(cursor.as_deref(), "").unwrap();
            let rest = all.iter().filter(|n| page.after.is_none_or(|a| **n > a));
            let list = page.fill(7, rest.map(|n| (*n, *n)));
            seen.extend(list.items);
            cursor = list.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = page(None, "pool=a").unwrap().cursor(&3);
        assert_eq!(page(Some(&cursor), "pool=a").unwrap().after, Some(3));
        for bad in [cursor.as_str(), "", "!", "AAAA", &"A".repeat(5_000)] {
            let error = page(Some(bad), "pool=b").unwrap_err();
            assert_eq!(error.code(), "malformed");
        }
    }

    #[test]
    fn an_absurd_size_is_refused() {
        for limit in [0, 1_001, u32::MAX] {
            let page = Page::<u32>::of(Some(limit), None, "pools", &());
            assert_eq!(page.unwrap_err().code(), "invalid");
        }
    }
}
