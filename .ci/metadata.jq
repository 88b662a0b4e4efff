# What is wrong with the metadata of the crates that may be published, a line each.
# The categories are slugs of crates.io; one that it does not know would be dropped with a warning at publishing.
["command-line-utilities", "cryptography", "development-tools::testing", "filesystem", "database", "os", "config"] as $slugs
| .packages[] | select(.publish == null)
| .name as $name
| [
    (if (.description // "" | length) < 20 then "description is missing or says nothing" else empty end),
    (if .license != "Apache-2.0" then "license is not Apache-2.0" else empty end),
    (if .repository == null then "repository is missing" else empty end),
    (if .readme == null then "readme is missing" else empty end),
    (if .rust_version == null then "rust-version is missing" else empty end),
    (if (.keywords | length) < 1 or (.keywords | length) > 5 then "keywords: one to five" else empty end),
    (.keywords[] | select(length > 20 or (test("^[A-Za-z0-9][A-Za-z0-9_+-]*$") | not)) | "keyword \"\(.)\" is not valid"),
    (if (.categories | length) == 0 then "categories are missing" else empty end),
    (.categories[] | select(. as $c | $slugs | index([$c]) | not) | "category \"\(.)\" is not in .ci/metadata.jq")
  ][] | "\($name): \(.)"
