//! The OpenAPI document: it names every route of the table and no other, and its golden copy is up to date.

use std::collections::BTreeSet;
use std::path::Path;

use expect_test::expect_file;
use server::routes::ROUTES;

use crate::house::House;

#[tokio::test]
async fn the_document_names_every_route_of_the_table_and_no_other() {
    let house = House::open().await;
    let document = house.get("", "/openapi.json").await.expect(200).json();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let table: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(described, table);
}

#[tokio::test]
async fn every_shape_that_is_named_is_there() {
    let house = House::open().await;
    let reply = house.get("", "/openapi.json").await.expect(200);
    let schemas = reply.json()["components"]["schemas"].clone();
    let named: BTreeSet<_> =
        reply.text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let missing: Vec<_> = named.into_iter().filter(|name| schemas.get(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// `UPDATE_EXPECT=1` writes the golden copy anew.
#[tokio::test]
async fn the_golden_copy_is_up_to_date() {
    let house = House::open().await;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    expect_file![golden].assert_eq(&house.get("", "/openapi.json").await.expect(200).text);
}
