//! Titles and texts that a configuration gives.

use std::collections::BTreeSet;

use bahub_core::config::NotifierPlan;
use bahub_core::notifier::Notification;
use minijinja::{Environment, UndefinedBehavior};

const TITLE: &str = "title";
const BODY: &str = "body";

/// What a template may name: the fields of a [`Notification`].
const FIELDS: [&str; 12] =
    ["format", "occasion", "backup", "operation", "run", "host", "time", "title", "body", "tags", "past", "record"];

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateError {
    /// The name of the notifier.
    pub notifier: String,
    /// Which of its two templates: `title` or `body`.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} of the notifier \"{}\" is not a valid template: {}", self.field, self.notifier, self.message)
    }
}

impl std::error::Error for TemplateError {}

/// The templates of a notifier, compiled.
#[derive(Debug)]
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles them.
    ///
    /// # Errors
    /// The first that is wrong.
    pub(crate) fn of(plan: &NotifierPlan) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        // What a run has not, for example an error, is written as nothing.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (field, source) in [(TITLE, &plan.title), (BODY, &plan.body)] {
            let Some(source) = source else { continue };
            let wrong = |message: String| TemplateError { notifier: plan.name.clone(), field, message };
            environment.add_template_owned(field, source.clone()).map_err(|error| wrong(error.to_string()))?;
            let template = environment.get_template(field).map_err(|error| wrong(error.to_string()))?;
            let unknown: BTreeSet<_> = template
                .undeclared_variables(false)
                .into_iter()
                .filter(|name| !FIELDS.contains(&name.as_str()))
                .collect();
            if let Some(name) = unknown.first() {
                return Err(wrong(format!("unknown variable \"{name}\"; known: {}", FIELDS.join(", "))));
            }
        }
        Ok(Self(environment))
    }

    /// Puts the configured title and text in the place of the usual ones. One that fails leaves those, and says why.
    pub(crate) fn apply(&self, notification: &mut Notification) -> Result<(), String> {
        let usual = notification.clone();
        let mut result = Ok(());
        for (field, text) in [(TITLE, &mut notification.title), (BODY, &mut notification.body)] {
            let Ok(template) = self.0.get_template(field) else { continue };
            match template.render(minijinja::value::Serde(&usual)) {
                Ok(rendered) => *text = rendered,
                Err(error) => result = Err(format!("the {field}'s template failed: {error}")),
            }
        }
        result
    }
}
