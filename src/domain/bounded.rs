//! Maps of so many entries: what callers name must not fill memory.

use std::collections::HashMap;
use std::hash::Hash;

/// Makes room for an entry of this key among at most `entries_max`, where it has none: the one goes that is first in this order.
pub fn make_room<K, V, O>(
    map: &mut HashMap<K, V>,
    key: &K,
    entries_max: usize,
    order: impl Fn(&V) -> O,
) where
    K: Clone + Eq + Hash + Ord,
    O: Ord,
{
    if map.len() < entries_max || map.contains_key(key) {
        return;
    }
    let first = map
        .iter()
        .min_by_key(|(key, value)| (order(value), *key))
        .map(|(key, _)| key.clone());
    if let Some(first) = first {
        map.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_makes_room_where_there_is_none_and_nobody_else() {
        let mut map = HashMap::from([("a", 3), ("b", 1), ("c", 1)]);
        make_room(&mut map, &"d", 4, |value| *value);
        make_room(&mut map, &"c", 3, |value| *value);
        assert_eq!(map.len(), 3);
        make_room(&mut map, &"d", 3, |value| *value);
        assert_eq!(map, HashMap::from([("a", 3), ("c", 1)]));
    }
}
