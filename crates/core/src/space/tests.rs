use super::*;

#[test]
fn a_range_is_cut_lowest_first_and_merges_back() {
    let mut space: Space = "10.0.0.0/24 except 10.0.0.0,10.0.0.255".parse().unwrap();
    let part = space.find(&"/29".parse().unwrap()).unwrap();
    assert_eq!(part.to_string(), "10.0.0.8/29");
    space.take(&part).unwrap();
    assert!(space.take(&part).is_err());
    let next = space.find(&Amount::Count(3)).unwrap();
    assert_eq!(next.to_string(), "10.0.0.1-10.0.0.3");
    space.put(&part).unwrap();
    assert!(space.put(&part).is_err());
    assert!(space.is_untouched());
}
