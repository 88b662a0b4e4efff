# What is wrong with the metadata of the crates that may be published, a line each.
# The categories are slugs of crates.io; one that it does not know would be dropped with a warning at publishing.
["asynchronous", "command-line-utilities", "compression", "config", "cryptography", "database", "development-tools::testing",
 "filesystem", "network-programming", "virtualization"] as $slugs
| .packages[] | select(.publish == null)
| .name as $name
| [
    (if (.description // "" | length) < 20 then "description is missing or says nothing" else empty end),
    (if .license != "Apache-2.0" then "license is not Apache-2.0" else empty end),
    (if .repository == null then "repository is missing" else empty end),
    (if .readme == null then "readme is missing" else empty end),
    (if .metadata.docs.rs != {"all-features": true, "rustdoc-args": ["--cfg", "docsrs"]} then "docs.rs would not show every feature" else empty end),
    (if .rust_version == null then "rust-version is missing" else empty end),
    (if (.keywords | length) < 1 or (.keywords | length) > 5 then "keywords: one to five" else empty end),
    (.keywords[] | select(length > 20 or (test("^[A-Za-z0-9][A-Za-z0-9_+-]*$") | not)) | "keyword \"\(.)\" is not valid"),
    (if (.categories | length) < 1 or (.categories | length) > 5 then "categories: one to five" else empty end),
    (.categories[] | select(. as $c | $slugs | index([$c]) | not) | "category \"\(.)\" is not in .ci/metadata.jq")
  ][] | "\($name): \(.)"
