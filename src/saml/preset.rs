//! What each identity provider calls our values, and what its administrator does with them: one table, for the dashboard,
//! the e-mail to the customer and the setup link.

use super::connection::Provider;

/// One identity provider's names and steps.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is, on one line.
    pub line: &'static str,
    /// What it calls its metadata.
    pub metadata_label: &'static str,
    /// Whether its administrator hands over a URL or the file itself.
    pub metadata_form: MetadataForm,
    /// What its administrator does, in order.
    pub steps: &'static [Step],
    /// Where its administrator gives it the certificate to encrypt to; nothing where it cannot encrypt.
    pub encryption: Option<&'static str>,
    /// What is good to know.
    pub note: Option<&'static str>,
}

/// How an identity provider hands its metadata out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataForm {
    /// A file to download, and no URL.
    File,
    /// A URL.
    Url,
    /// A URL, a file or single values, as the product goes.
    UrlOrFile,
}

/// One step: what to do, and the values that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What to do, as a sentence.
    pub text: &'static str,
    /// Names and values to enter.
    pub entries: &'static [Entry],
}

/// A field at the identity provider and what goes in.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The field's name there.
    pub label: &'static str,
    /// What goes in.
    pub value: EntryValue,
    /// Whether sign-in fails without it.
    pub required: bool,
}

/// What goes into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryValue {
    /// The URL of our assertion consumer service.
    AcsUrl,
    /// Our entity ID.
    EntityId,
    /// This text.
    Text(&'static str),
}

impl Preset {
    /// The preset of `provider`.
    #[must_use]
    pub const fn of(provider: Provider) -> &'static Self {
        match provider {
            Provider::Custom => &CUSTOM,
            Provider::Entra => &ENTRA,
            Provider::Google => &GOOGLE,
            Provider::Okta => &OKTA,
        }
    }

    /// What it calls the field into which `value` goes, by its steps.
    #[must_use]
    pub fn label(&self, value: EntryValue) -> &'static str {
        let entries = self.steps.iter().flat_map(|step| step.entries);
        let mut labels = entries.filter(|entry| entry.value == value).map(|entry| entry.label);
        labels.next().unwrap_or_default()
    }
}

/// The providers in the order in which they are offered.
pub const PROVIDERS: [Provider; 4] = [Provider::Okta, Provider::Entra, Provider::Google, Provider::Custom];

const fn required(label: &'static str, value: EntryValue) -> Entry {
    Entry {
        label,
        value,
        required: true,
    }
}

const fn optional(label: &'static str, value: &'static str) -> Entry {
    Entry {
        label,
        value: EntryValue::Text(value),
        required: false,
    }
}

const OKTA: Preset = Preset {
    name: "Okta Workforce",
    line: "A SAML 2.0 app integration in the Okta Admin Console.",
    metadata_label: "Metadata URL",
    metadata_form: MetadataForm::Url,
    steps: &[
        Step {
            text: "In the Okta Admin Console, open Applications › Applications and press Create App Integration. Choose SAML 2.0, and give the app a name.",
            entries: &[],
        },
        Step {
            text: "Under Configure SAML, paste these two values. Leave everything else as it is, and finish the wizard.",
            entries: &[
                required("Single sign-on URL", EntryValue::AcsUrl),
                required("Audience URI (SP Entity ID)", EntryValue::EntityId),
            ],
        },
        Step {
            text: "On the app's Sign On tab, open Attribute statements and add these.",
            entries: &[
                required("Email address", EntryValue::Text("user.profile.email")),
                optional("First name", "user.profile.firstName"),
                optional("Last name", "user.profile.lastName"),
            ],
        },
        Step {
            text: "On the Assignments tab, assign the people or groups who may sign in.",
            entries: &[],
        },
        Step {
            text: "Back on the Sign On tab, copy the Metadata URL.",
            entries: &[],
        },
    ],
    encryption: Some(
        "In the Okta Admin Console, on the app's General tab, edit SAML Settings, press Next, open Show Advanced Settings, and upload the certificate as Encryption Certificate.",
    ),
    note: Some(
        "Attribute statements can be added only once the wizard is finished. People who are not assigned to the app never get here.",
    ),
};

const ENTRA: Preset = Preset {
    name: "Microsoft Entra ID",
    line: "An enterprise application in the Microsoft Entra admin center, formerly Azure AD.",
    metadata_label: "App Federation Metadata Url",
    metadata_form: MetadataForm::Url,
    steps: &[
        Step {
            text: "In the Microsoft Entra admin center, open Enterprise applications, press New application, then Create your own application, and choose the one that is not in the gallery.",
            entries: &[],
        },
        Step {
            text: "Open Single sign-on, choose SAML, edit Basic SAML Configuration and paste these two values.",
            entries: &[
                required("Identifier (Entity ID)", EntryValue::EntityId),
                required("Reply URL (Assertion Consumer Service URL)", EntryValue::AcsUrl),
            ],
        },
        Step {
            text: "Under Attributes & Claims, keep the claims that are there. These are the ones that are used.",
            entries: &[
                required("emailaddress", EntryValue::Text("user.mail")),
                optional("givenname", "user.givenname"),
                optional("surname", "user.surname"),
            ],
        },
        Step {
            text: "Under Users and groups, assign the people or groups who may sign in.",
            entries: &[],
        },
        Step {
            text: "Under SAML Certificates, copy the App Federation Metadata Url.",
            entries: &[],
        },
    ],
    encryption: Some(
        "In the Microsoft Entra admin center, on the application's Token encryption page, press Import Certificate, then Activate token encryption for the new one.",
    ),
    note: Some(
        "Take the App Federation Metadata Url of this application, with appid at its end: the one of the whole tenant may lack the certificate that signs.",
    ),
};

const GOOGLE: Preset = Preset {
    name: "Google Workspace",
    line: "A custom SAML app in the Google Admin console.",
    metadata_label: "IdP metadata",
    metadata_form: MetadataForm::File,
    steps: &[
        Step {
            text: "In the Google Admin console, open Apps › Web and mobile apps, press Add app, then Add custom SAML app, and give it a name.",
            entries: &[],
        },
        Step {
            text: "Under Google Identity Provider details, press Download metadata, and keep the file.",
            entries: &[],
        },
        Step {
            text: "Under Service provider details, paste these two values, and choose the Name ID as shown.",
            entries: &[
                required("ACS URL", EntryValue::AcsUrl),
                required("Entity ID", EntryValue::EntityId),
                required("Name ID format", EntryValue::Text("EMAIL")),
                required("Name ID", EntryValue::Text("Basic Information > Primary email")),
            ],
        },
        Step {
            text: "Under Attribute mapping, add these.",
            entries: &[
                required("Primary email", EntryValue::Text("email")),
                optional("First name", "firstName"),
                optional("Last name", "lastName"),
            ],
        },
        Step {
            text: "Under User access, turn the app on for the people who may sign in.",
            entries: &[],
        },
    ],
    encryption: None,
    note: Some(
        "Google hands its metadata out as a file only. A new app may take up to a day until it works for everybody.",
    ),
};

const CUSTOM: Preset = Preset {
    name: "Custom SAML",
    line: "Any other SAML 2.0 identity provider: OneLogin, Ping, AD FS, JumpCloud, Keycloak and more.",
    metadata_label: "metadata",
    metadata_form: MetadataForm::UrlOrFile,
    steps: &[
        Step {
            text: "Create a SAML 2.0 application at your identity provider and enter these two values. It may also read them from our metadata URL.",
            entries: &[
                required("ACS URL", EntryValue::AcsUrl),
                required("Entity ID", EntryValue::EntityId),
            ],
        },
        Step {
            text: "Let it send these attributes.",
            entries: &[
                required("email", EntryValue::Text("the user's work e-mail address")),
                optional("firstName", "the first name"),
                optional("lastName", "the last name"),
            ],
        },
        Step {
            text: "Let it sign the assertion or the response with SHA-256, with an RSA key of 2048 bits or more.",
            entries: &[],
        },
        Step {
            text: "Assign the people or groups who may sign in.",
            entries: &[],
        },
        Step {
            text: "Copy the URL of its metadata; where there is none, download the XML file, or note the sign-on URL, the entity ID and the signing certificate.",
            entries: &[],
        },
    ],
    encryption: Some(
        "Let the identity provider read our metadata again, or give it the certificate as a file where its settings of this application ask for one to encrypt to.",
    ),
    note: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_asks_for_both_values_and_the_address() {
        for provider in PROVIDERS {
            let preset = Preset::of(provider);
            let entries: Vec<&Entry> = preset.steps.iter().flat_map(|step| step.entries).collect();
            for value in [EntryValue::AcsUrl, EntryValue::EntityId] {
                assert!(!preset.label(value).is_empty(), "{}: {value:?}", preset.name);
                assert!(
                    entries.iter().any(|e| e.value == value && e.required),
                    "{}: {value:?}",
                    preset.name
                );
            }
            assert!(
                entries
                    .iter()
                    .any(|e| e.required && e.label.to_lowercase().contains("email")),
                "{}",
                preset.name
            );
            for step in preset.steps {
                assert!(step.text.ends_with('.'), "{}: {}", preset.name, step.text);
            }
        }
    }
}
