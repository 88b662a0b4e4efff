use serde::{Deserialize, Serialize};

/// A role of the real server, with the permissions in `pkg/security/constants.go`, oddities included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// May view users' profiles.
    UserManager,
    /// May download, and upload at any time.
    CollectionManager,
    /// May download and list.
    BackupDownloader,
    /// May upload inside the backup windows, and list.
    BackupUploader,
    /// May upload at any time, and list.
    UploadsAnytime,
    /// Has all rights of the managers.
    SystemAdmin,
}

impl Role {
    fn named(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    fn allows(self, action: Action) -> bool {
        match self {
            Self::UserManager => false,
            Self::BackupDownloader => action == Action::Download,
            Self::BackupUploader => action == Action::Upload,
            Self::UploadsAnytime => matches!(action, Action::Upload | Action::UploadAnytime),
            Self::CollectionManager | Self::SystemAdmin => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Download,
    Upload,
    UploadAnytime,
}

/// Names an object, and what may be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopedElement {
    /// The kind of object; `collection` is the only one there is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object's name: the collection's id.
    pub name: String,
    /// Names of roles; unknown ones allow nothing.
    pub roles: Vec<String>,
}

impl ScopedElement {
    /// Some roles on a collection.
    pub fn collection(id: &str, roles: &[&str]) -> Self {
        Self {
            kind: "collection".to_owned(),
            name: id.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    fn names(&self, collection: &str) -> bool {
        self.kind == "collection" && self.name == collection
    }

    fn allows(&self, action: Action) -> bool {
        self.roles.iter().filter_map(|name| Role::named(name)).any(|role| role.allows(action))
    }
}

/// The scope requested by a login for its token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationsScope {
    /// The objects; none means no restriction.
    #[serde(default)]
    pub elements: Vec<ScopedElement>,
}

/// The actor, and everything that determines its rights.
#[derive(Debug)]
pub(super) struct Actor<'a> {
    pub(super) roles: &'a [Role],
    pub(super) granted_on_collection: &'a [Role],
    pub(super) access_key: Option<&'a [ScopedElement]>,
    pub(super) scope: Option<&'a OperationsScope>,
}

impl Actor<'_> {
    pub(super) fn may(&self, action: Action, collection: &str) -> bool {
        // Of an access key's objects the first match counts, of a scope's the last, as in the server's code.
        let key_allows = self
            .access_key
            .is_none_or(|objects| objects.iter().find(|o| o.names(collection)).is_some_and(|o| o.allows(action)));
        let scope_allows = self.scope.is_none_or(|scope| {
            scope.elements.is_empty()
                || scope.elements.iter().rfind(|e| e.names(collection)).is_some_and(|e| e.allows(action))
        });
        let user_may = self.roles.iter().chain(self.granted_on_collection).any(|role| role.allows(action));
        key_allows && scope_allows && user_may
    }

    pub(super) fn may_list(&self, collection: &str) -> bool {
        self.may(Action::Upload, collection) || self.may(Action::Download, collection)
    }
}
