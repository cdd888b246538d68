// The guards of the pure core: what each is for, where it stands, what it becomes, and which tests must then fail.
// `tests` is `lib` or `it`, then the filter of `cargo test`. A text must stand exactly once in its file.

const source = "src/xml/source.rs";
const scan = "src/xml/scan.rs";
const rules = "src/xml/rules.rs";
const document = "src/xml/document.rs";
const element = "src/xml/element.rs";
const dsig = "src/dsig.rs";
const info = "src/dsig/signed_info.rs";
const reference = "src/dsig/reference.rs";
const response = "src/saml/response.rs";
const assertion = "src/saml/assertion.rs";
const validate = "src/saml/validate.rs";
const logout = "src/saml/logout.rs";
const decrypt = "src/saml/decrypt.rs";
const sealed = "src/saml/sealed.rs";
const decryption = "src/app/registry/decryption_keys.rs";
const attempts = "src/app/ledger/attempts.rs";
const claims = "src/app/registry/domains.rs";
const dashboard = "src/app/dashboard.rs";
const dashboardSession = "src/app/dashboard/session.rs";
const situation = "src/app/dashboard/situation.rs";
const customer = "src/app/dashboard/customer.rs";
const replacement = "src/app/dashboard/replacement.rs";
const fetching = "src/app/metadata_fetch.rs";
const refreshing = "src/app/registry/refresh.rs";
const signIn = "src/app/sign_in.rs";
const request = "src/app/ledger/request.rs";
const ticket = "src/app/ledger/sign_in.rs";

const guard = (what, file, from, to, tests) => ({ what, edits: [{ file, from, to }], tests });

/** Guards that do the same: only without all of them does a test fail. */
const both = (what, edits, tests) => ({ what, edits: edits.map(([file, from, to]) => ({ file, from, to })), tests });

export const guards = [
  // R2: the preflight.
  guard("R2 size", source, "if octets.len() > profile.limits().max_bytes {", "if false {", "it metadata::caps_hold"),
  guard("R2 size of what UTF-16 becomes", source, "if text.len() > limits.max_bytes {", "if false {", "it metadata::caps_hold"),
  guard("R2 characters", source, "check_characters(&text)?;", "", "lib xml::source::tests::characters"),
  guard("R2 less-than signs", source, "has_more_than(limits.max_less_than_signs, b'<', &text) || ", "", "lib xml::source::tests::elements_and_marks"),
  guard("R2 equals signs", source, " || has_more_than(limits.max_equals_signs, b'=', &text)", "", "lib xml::source::tests::elements_and_marks"),
  guard("R2 line ends", source, "let text = normalise_line_ends(text);", "", "lib xml::source::tests::line_ends"),
  guard("R2 second byte order mark", source, "if text.starts_with('\\u{FEFF}') {", "if false {", "it attacks::parser::a63"),
  guard("R2 version of the declaration", source, 'if version != "1.0" {', "if false {", "it attacks::parser::a62"),
  guard("R2 declared encodings", source, "        Some(_) => Err(Error::EncodingUnsupported),\n    }\n}\n\n/// Removes", "        Some(_) => Ok(Cow::Borrowed(text?)),\n    }\n}\n\n/// Removes", "it attacks::parser::a62"),
  guard("R2 comments", scan, "if self.profile == Profile::SamlMessage {\n            return Err(Error::CommentForbidden);", "if false {\n            return Err(Error::CommentForbidden);", "it attacks::parser::a42"),
  guard("R2 processing instructions", scan, "if self.profile == Profile::SamlMessage {\n            return Err(Error::ProcessingInstructionForbidden);", "if false {\n            return Err(Error::ProcessingInstructionForbidden);", "it attacks::parser::a43"),
  guard("R2 declarations elsewhere", scan, "if names_xml {", "if false {", "it attacks::parser::a62"),
  guard("R2 document types", scan, "if self.profile != Profile::Document {", "if false {", "it attacks::parser::a46"),
  guard("R2 a prefix declared twice", scan, "if self.declared_here.contains(&prefix) {", "if false {", "it attacks::parser::a52"),
  guard("R2 names", scan, "check_name(name, colons)?;", "let _ = colons;", "it attacks::parser::a54"),
  guard("R2 colons at the ends of names", rules, "(1, [first, .., last]) if *first != b':' && *last != b':' => Ok(()),", "(1, _) => Ok(()),", "it attacks::parser::a54"),
  guard("R2 prefixes undeclared", scan, "if !prefix.is_empty() {", "if false {", "it attacks::parser::a55"),
  guard("R2 relative namespace names", scan, "Profile::SamlMessage | Profile::Metadata => check_absolute(namespace)?,", "Profile::SamlMessage | Profile::Metadata => check_references(namespace)?,", "it attacks::parser::a55"),
  guard("R2 references in text", scan, "let text = self.take(at)?;\n            self.check_references(text)?;", "self.take(at)?;", "it attacks::parser::a61"),
  guard("R2 references in attributes", scan, "self.check_references(value)?;", "", "it attacks::parser::a61"),
  guard("R2 colon before xmlns", rules, '_ if name.ends_with(b":xmlns") => Err(Error::InvalidName),', "", "it attacks::parser::a53"),
  guard("R2 length of names", rules, "if name.len() > MAX_NAME_BYTES {", "if false {", "it attacks::parser::a59"),
  // R13: budgets.
  guard("R13 depth", scan, "if depth > self.limits.max_depth {", "if false {", "lib xml::source::tests::depth"),
  guard("R13 elements", scan, "if self.elements > self.limits.max_elements {", "if false {", "lib xml::source::tests::elements_and_marks"),
  guard("R13 attributes", scan, "if attributes > self.limits.max_attributes_per_element {", "if false {", "lib xml::source::tests::attributes"),
  guard("R13 prefixes in scope", scan, "if self.in_scope.len() > self.limits.max_prefixes_in_scope {", "if false {", "lib xml::source::tests::declarations"),
  guard("R13 declarations per element", scan, "if self.declared_here.len() > self.limits.max_declarations_per_element\n            || self", "if self", "lib xml::source::tests::declarations"),
  guard("R13 copies of the scope", scan, "if self.scope_copies > self.limits.max_scope_copies {", "if false {", "lib xml::source::tests::declarations"),
  guard("R13 growth of the canonical form", "src/xml/c14n/walk.rs", ".saturating_add(MAX_CANONICAL_EXTRA_BYTES)", ".saturating_add(MAX_CANONICAL_EXTRA_BYTES).saturating_add(usize::MAX)", "lib xml::c14n::tests::output_has_a_budget"),
  guard("R13 tokens of a prefix list", info, "if prefixes.len() > MAX_PREFIX_LIST_TOKENS {", "if false {", "it attacks::parser::a58"),
  // R4 and R8: identifiers and strict readers.
  guard("R4 unique identifiers", document, "if repeats.into_iter().any(is_shared) {", "if repeats.into_iter().any(is_shared) && false {", "it attacks::references::a24"),
  guard("R4 identifiers by other names", document, '"Id" => attribute.namespace().is_none_or(|namespace| namespace == WSU),', '"Id" => false,', "it attacks::references::a25"),
  guard("R8 attributes without a prefix", element, ".find(|attribute| attribute.namespace.is_empty() && attribute.local_name == local_name)", ".find(|attribute| attribute.local_name == local_name)", "it attacks::references::a26"),
  guard("R8 expanded names", element, "self.local_name() == local_name && self.namespace() == namespace", "{ let _ = namespace; self.local_name() == local_name }", "it attacks::parser::a51"),
  guard("R8 text without markup", element, "return Err(Error::MarkupInText);", "text = text;", "it attacks::parser::a45"),
  guard("R8 no text between elements", element, "if texts.filter_map(|node| node.text()).all(is_blank) {", "if texts.filter_map(|node| node.text()).all(is_blank) || true {", "it attacks::parser::a44"),
  guard("R8 one child of a name", element, "if children.next().is_some() {", "if false {", "it attacks::protocol::a102"),
  // R3: homes of signatures.
  guard("R3 signatures elsewhere", response, "if dsig::signatures_outside(&[response, assertion], response) {", "if false {", "it attacks::wrapping::a18"),
  both("R3 one signature, for the message and the verifier", [
    [response, "_ => Err(Reject::Signature(dsig::Error::SignatureMultiple)),", "(found, _) => Ok(found.is_some()),"],
    [dsig, "(Some(_), Some(_)) => Err(Error::SignatureMultiple),", "(Some(signature), Some(_)) => Ok(signature),"],
  ], "it attacks::wrapping::a17"),
  guard("R3 one signature, for the verifier", dsig, "(Some(_), Some(_)) => Err(Error::SignatureMultiple),", "(Some(signature), Some(_)) => Ok(signature),", "it dsig::a17"),
  guard("R3 no Object", dsig, "if !signature.objects.is_empty() {", "if false {", "it attacks::wrapping::a08"),
  // R4: references.
  guard("R4 one reference", dsig, "let [reference] = signature.signed_info.references.as_slice() else {", "let [reference, ..] = signature.signed_info.references.as_slice() else {", "it attacks::references::a31"),
  guard("R4 the parent's identifier", reference, '(Rules::Saml, Some(id)) if is_bare_name(id) && signed.attribute("ID") == Some(id) => {', "(Rules::Saml, Some(id)) if is_bare_name(id) => {", "it attacks::references::a28"),
  guard("R4 bare names", reference, '(Rules::Saml, Some(id)) if is_bare_name(id) && signed.attribute("ID") == Some(id) => {', '(Rules::Saml, Some(id)) if signed.attribute("ID") == Some(id) => {', "it attacks::references::a29"),
  guard("R4 never the whole document", reference, "(Rules::Document(document), None) if uri.is_empty() && document.root() == signed => {\n                Ok(Self::Document(document))\n            }", "(Rules::Document(document), None) if uri.is_empty() && document.root() == signed => {\n                Ok(Self::Document(document))\n            }\n            (Rules::Saml, None) if uri.is_empty() => Ok(Self::Element(signed)),", "it attacks::references::a27"),
  // R5: transforms.
  guard("R5 enveloped", reference, "if reference.transforms.enveloped.is_none() {", "if false {", "it attacks::algorithms::a85"),
  guard("R5 only canonicalisation", info, "read.canonicalization = Canonical::read(next)?.ok_or_else(forbidden)?;", "if let Some(known) = Canonical::read(next)? { read.canonicalization = known; } let _ = forbidden;", "it attacks::algorithms::a84"),
  guard("R5 no more transforms", info, 'if let Some(surplus) = children.optional(DS, "Transform") {', 'while children.optional(DS, "Transform").is_some() {}\n        if let Some(surplus) = children.optional(DS, "Transform") {', "it attacks::algorithms::a85"),
  guard("R5 nothing in a canonicalisation", info, "        children.end()?;\n        let prefixes = ", "        let prefixes = ", "it attacks::algorithms::a85"),
  // R6: algorithms and keys.
  guard("R6 SHA-1", "src/dsig/algorithm.rs", "(Self::Sha1, Sha1::Refused) => Err(Error::AlgorithmWeak { found: shown(uri) }),", "", "it attacks::algorithms::a71"),
  guard("R6 nothing in a SignatureMethod", info, "    children.end()?;\n    Ok(method)", "    Ok(method)", "it attacks::algorithms::a69"),
  guard("R6 nothing in a DigestMethod", info, "    Children::of(element)?.end()?;\n    Ok(digest)", "    Ok(digest)", "it attacks::signature::a37"),
  guard("R6 parameters of PSS", info, "if mask == digest && salt_is_digest_long && trailer.is_none_or(|trailer| trailer == \"1\") {", "let _ = (mask, salt_is_digest_long, trailer);\n    if true {", "it dsig::a79"),
  guard("R6 weak keys", "src/dsig/key.rs", "if bits < min_bits || exponent < min_exponent || has_small_odd_factor(modulus) {", "if false {", "lib dsig::key::tests::numbers_that_are_no_key"),
  guard("R6 no key", dsig, "if policy.keys.is_empty() {", "if false {", "it attacks::protocol::a101"),
  // R7 and R9: the signature, then the digest.
  guard("R7 SignatureValue", dsig, "check_signature_value(&signature, policy)?;\n    let octets = reference", "let octets = reference", "it attacks::signature::a174"),
  guard("R7 digest", dsig, "    reference.check_digest(&octets)?;\n", "", "it attacks::parser::a45"),
  guard("R7 order of work", dsig, "check_signature_value(&signature, policy)?;\n    let octets = reference.octets(target, signature.element)?;\n    reference.check_digest(&octets)?;", "let octets = reference.octets(target, signature.element)?;\n    reference.check_digest(&octets)?;\n    check_signature_value(&signature, policy)?;", "it attacks::signature::a41"),
  guard("R9 whole digests", reference, "        digest.ct_eq(&self.0).into()", "        let _ = digest.ct_eq(&self.0);\n        digest.starts_with(&self.0)", "it attacks::signature::a39"),
  guard("R9 canonical base64", "src/dsig/base64.rs", "STANDARD.decode(packed)", "base64::engine::general_purpose::GeneralPurpose::new(&base64::alphabet::STANDARD, base64::engine::general_purpose::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)).decode(packed)", "it attacks::signature::a38"),
  // R8: the shape of a signature.
  guard("R8 end of Signature", info, "        children.end()?;\n        Ok(Self {\n            element,\n            signed_info,", "        Ok(Self {\n            element,\n            signed_info,", "it attacks::signature::a35"),
  guard("R8 end of SignedInfo", info, "        children.end()?;\n        Ok(Self {\n            element,\n            canonicalization,", "        Ok(Self {\n            element,\n            canonicalization,", "it attacks::signature::a37"),
  guard("R8 end of Reference", info, "        children.end()?;\n        // `Id`", "        // `Id`", "it attacks::signature::a37"),
  guard("R8 end of Transforms", info, "        children.end()?;\n        Ok(read)", "        Ok(read)", "it attacks::signature::a37"),
  guard("R8 values are text", info, 'element.text().map_err(|_| malformed("text alone"))', 'element.text().or(Ok(""))', "it attacks::signature::a34"),
  // R8: the shape of a response.
  guard("R8 root", response, 'if !response.is(SAMLP, "Response") {\n        return Err(malformed(Shape::Root));\n    }\n    if response.attribute("Version")', 'if response.attribute("Version")', "it attacks::protocol::a128"),
  guard("R8 version of the response", response, 'if response.attribute("Version") != Some("2.0") {', "if false {", "it attacks::protocol::a127"),
  guard("R8 children of the response", response, '_ => return Err(malformed(Shape::Element("Response/*"))),', "_ => {}", "it attacks::parser::a51"),
  guard("R8 text in the response", response, "response.has_only_element_content()?;", "", "it attacks::parser::a44"),
  both("R8 one assertion", [
    [response, "let (Some(assertion), None) = (direct.next(), direct.next()) else {", "let (Some(assertion), _) = (direct.next(), direct.next()) else {"],
    [response, "if all.count() == quoted.count().saturating_add(1) {", "if all.count() >= quoted.count() {"],
  ], "it attacks::wrapping::a03"),
  guard("R8 none hidden elsewhere", response, "if all.count() == quoted.count().saturating_add(1) {", "if all.count() >= quoted.count() {", "it attacks::wrapping::a04"),
  guard("R8 quotes in Advice alone", response, "let advice = assertion.child(SAML, \"Advice\")?;", "let advice = Some(response);", "it attacks::wrapping::a03"),
  guard("R8 status", response, "if required(top, \"Value\")?.strip_prefix(PREFIX) == Some(\"Success\") {", "if true {", "it attacks::protocol::a102"),
  guard("R8 status, letter for letter", response, 'strip_prefix(PREFIX) == Some("Success")', 'strip_prefix(PREFIX).is_some_and(|status| status.starts_with("Success"))', "it attacks::protocol::a102"),
  guard("R8 children of the status", response, 'return Err(malformed(Shape::Element("Status/*")));', "", "it attacks::protocol::a102"),
  guard("R7 every signature holds", response, "let own = verify_own(assertion, policy)?;\n    match", "let own = if whole.is_some() { None } else { verify_own(assertion, policy)? };\n    match", "it attacks::wrapping::a22"),
  // R8: the shape of an assertion.
  guard("R8 version of the assertion", assertion, 'if element.attribute("Version") != Some("2.0") {', "if false {", "it attacks::protocol::a127"),
  guard("R8 children of the assertion", assertion, '_ => return Err(malformed(Shape::Element("Assertion/*"))),', "_ => {}", "it attacks::protocol::a127"),
  guard("R8 children of the subject", assertion, '_ => return Err(malformed(Shape::Element("Subject/*"))),', "_ => {}", "it attacks::protocol::a124"),
  guard("R8 text in the subject", assertion, "subject.has_only_element_content()?;", "", "it attacks::protocol::a124"),
  guard("R8 length of a NameID", assertion, "if value.chars().nth(MAX_NAME_ID_CHARACTERS).is_some() {", "if false {", "it attacks::protocol::a124"),
  guard("R8 unknown conditions", assertion, '_ => return Err(malformed(Shape::Element("Conditions/*"))),', "_ => {}", "it attacks::protocol::a127"),
  guard("R8 children of a confirmation", assertion, '_ => return Err(malformed(Shape::Element("SubjectConfirmation/*"))),', "_ => {}", "it attacks::protocol::a111"),
  guard("R8 children of an attribute", assertion, 'Err(malformed(Shape::Element("Attribute/*")))', "Ok(AttributeValue::Nil)", "it attacks::protocol::a127"),
  guard("R8 xsi:nil", assertion, "    if nil {", "    if false {", "it attacks::protocol::a123"),
  // R9: who decrypts, with which key.
  guard("R9 decryption is off", "src/app/acs.rs", "if !connection.responses.decrypt_assertions {", "if false {", "it encrypted::nothing_is_decrypted"),
  guard("R9 decryption keys are announced when it is on", "src/saml/connection.rs", "key.filter(|_| self.responses.decrypt_assertions)", "key", "it encrypted::nothing_is_decrypted"),
  guard("R9 decryption keys belong to a connection", decryption, '"SELECT private_key FROM decryption_keys WHERE connection_id = ? AND id = ?"', '"SELECT private_key FROM decryption_keys WHERE ? <> \'\' AND id = ?"', "it encrypted::private_keys"),
  guard("R9 decryption keys go with their connection", "src/app/registry.rs", "decryption_keys::forget_all(sql, &self.id)?;", "", "it encrypted::private_keys"),
  guard("R9 decryption keys that are retired", decryption, "None => forget(sql, &connection.id, &key.id)?,", "None => {}", "it encrypted::private_keys"),
  guard("R9 decryption keys take one step", decryption, "if self.step != expected {", "if false {", "it encrypted::a_rotation"),
  guard("R9 decryption keys that are not there", decryption, "if connection.decryption_keys.is_empty() {\n            return", "if false {\n            return", "it encrypted::nothing_is_decrypted"),
  // R10: the connection's values.
  guard("R10 issuer of the response", validate, "response.envelope().issuer.as_ref().map_or(Ok(()), check)?;", "", "it attacks::protocol::a118"),
  guard("R10 issuer of the assertion", validate, "    check(&response.assertion().get().issuer)\n", "    Ok(())\n", "it attacks::protocol::a118"),
  guard("R10 format of an issuer", validate, "if is_entity && issuer.value", "if issuer.value", "it attacks::protocol::a118"),
  guard("R10 destination", validate, "    if holds {", "    if holds || true {", "it validate::addressing"),
  guard("R10 destination of a signed response", validate, "None => envelope.coverage == Coverage::Assertion,", "None => true,", "it validate::addressing"),
  guard("R10 recipient", validate, ".is_some_and(|r| same_endpoint(r, acs_url))", ".is_some_and(|r| same_endpoint(r, acs_url) || true)", "it attacks::protocol::a111"),
  guard("R10 bearer", validate, ".filter(|c| c.method == BEARER)", "", "it attacks::protocol::a111"),
  guard("R10 end of a confirmation", validate, 'expect.has_not_passed("SubjectConfirmationData/@NotOnOrAfter", not_on_or_after)?;', "", "it attacks::protocol::a111"),
  guard("R10 start of a confirmation", validate, '.map_or(Ok(()), |t| expect.has_come("SubjectConfirmationData/@NotBefore", t))', ".map_or(Ok(()), |_| Ok(()))", "it attacks::protocol::a111"),
  guard("R10 start of the conditions", validate, '.map_or(Ok(()), |t| expect.has_come("Conditions/@NotBefore", t))?;', ".map_or(Ok::<(), Reject>(()), |_| Ok(()))?;", "it attacks::protocol::a110"),
  guard("R10 end of the conditions", validate, '.map_or(Ok(()), |t| expect.has_not_passed("Conditions/@NotOnOrAfter", t))', ".map_or(Ok(()), |_| Ok(()))", "it attacks::protocol::a110"),
  guard("R10 every audience restriction", validate, "!conditions.audience_restrictions.iter().all(holds)", "!conditions.audience_restrictions.iter().any(holds)", "it validate::every_audience"),
  guard("R10 some audience restriction", validate, "if conditions.audience_restrictions.is_empty() || ", "if ", "it validate::every_audience"),
  guard("R10 audience, letter for letter", validate, "found == audience || ", "found.starts_with(audience.as_str()) || ", "it validate::addressing"),
  guard("R10 spn for Entra alone", validate, "expect.provider == Provider::Entra && ", "", "it validate::an_spn"),
  guard("R10 a statement of authentication", validate, "instants.min().ok_or_else(|| super::assertion::malformed(missing))", "{ let _ = missing; Ok(instants.min().unwrap_or(Timestamp::from_unix_seconds(0))) }", "it attacks::protocol::a113"),
  guard("R10 end of the session", validate, "Some((_, late)) if late >= 0 =>", "Some((_, late)) if late >= 0 && false =>", "it attacks::protocol::a113"),
  // R11, R12: once, for this browser.
  guard("R11 request on the outside", validate, ".is_some_and(|outer| outer != signed)", ".is_some_and(|outer| outer != signed && false)", "it attacks::protocol::a108"),
  guard("R9 the age of an assertion", validate, 'expect.has_not_passed("IssueInstant and a day", oldest)?;', "", "it attacks::protocol::a110"),
  guard("R12 remembered through the skew", validate, "remember_until: not_on_or_after.plus(expect.skew_seconds),", "remember_until: not_on_or_after,", "it sign_in::a_replay"),
  guard("R11 cookies that come twice", "src/app/http.rs", "(Some(value), None) => core::str", "(Some(value), _) => core::str", "it sign_in::duplicate_cookies"),
  guard("R11 the browser that asked", ticket, "(Some(bound), _) => bound == self.browser.as_str(),", "(Some(_), _) => true,", "it sign_in::only_the_browser"),
  guard("R11 the browser that was asked", ticket, '"UPDATE tickets SET browser = ? WHERE hash = ? AND browser IS NULL"', '"SELECT ?, ? FROM tickets WHERE 0"', "it idp_initiated::only_the_browser"),
  guard("R11 asked before confirmed", ticket, "(None, None) => !self.confirmed,", "(None, None) => true,", "it idp_initiated::only_the_browser"),
  guard("R11 who was not asked for is asked", ticket, "if ticket.request_id.is_none() && !self.confirmed &&", "if false && !self.confirmed &&", "it idp_initiated::nobody"),
  guard("R11 a burned ticket", ticket, 'sql.run("DELETE FROM tickets WHERE hash = ?", &[self.ticket.as_str().into()])?;\n        ticket', "ticket", "it idp_initiated::only_the_browser"),
  guard("R11 burned siblings", ticket, "ticket.request_id.as_deref().map_or(Ok(()), |id| forget(sql, id))", "let _ = ticket;\n        Ok(())", "it sign_in::a_ticket_that_was_shown"),
  guard("R11 tickets of a request that is forgotten", request, 'sql.run("DELETE FROM tickets WHERE request_id = ?", &[id.into()])?;', "", "it state::signing_out"),
  guard("R11 requests that are forgotten", request, 'sql.run("DELETE FROM requests WHERE id = ?", &[id.into()])?;', "", "it state::who_has_signed_out"),
  guard("R11 a ticket and HEAD", "src/app/route.rs", 'Self::Complete(_) | Self::Slo(_) => "GET, POST",', 'Self::Complete(_) | Self::Slo(_) => "GET, HEAD, POST",', "it sign_in::a_ticket_is_not_used_up"),
  guard("R13 who gives way first", request, "ORDER BY answered_at IS NULL, expires_at", "ORDER BY expires_at", "it ledger::who_was_answered"),
  guard("R13 the price of a request", request, "(SELECT number FROM request_count)", "(SELECT count(*) FROM requests)", "it ledger::beginning"),
  // R7: what a connection demands; logout messages.
  guard("R7 signatures that are demanded", validate, "check_signatures(response, expect.signatures)?;", "", "it validate::a_connection_can_demand_more"),
  guard("R7 the assertion's, when it is demanded", validate, "Err(Reject::AssertionNotSignedRequired)", "Ok(())", "it validate::a_connection_can_demand_more"),
  guard("R7 the response's, when it is demanded", validate, "Err(Reject::ResponseNotSignedRequired)", "Ok(())", "it validate::a_connection_can_demand_more"),
  guard("R12 age of a logout message", logout, "if expect.now.since(end) < expect.skew_seconds {", "if expect.now.since(end) < expect.skew_seconds || self.not_on_or_after() == self.issue_instant.plus(LOGOUT_MESSAGE_SECONDS) {", "it logout_messages::no_message"),
  guard("R12 age of a logout request with a late end", logout, "end.min(self.issue_instant.plus(MAX_LOGOUT_REQUEST_SECONDS))", "end", "it logout_messages::no_message"),
  guard("R3 no signature inside of a signed query", logout, "if dsig::signatures_outside(&[], document.root()) {", "if false {", "it logout_messages::a_query"),
  guard("R8 requests are no responses", "src/saml/redirect.rs", "(true, LogoutContent::Response(_)) | (false, LogoutContent::Request(_)) => Err(Reject::FormMalformed),", "_ => Ok(message),", "it logout_messages::a_parameter"),
  // R9: what is encrypted fails in one way.
  guard("R9 one failure with AES-CBC", decrypt, "uniform([encrypted.get().algorithm()], opened.await)", "opened.await", "it xmlenc::a91"),
  guard("R9 one failure with AES-CBC within", sealed, "uniform(algorithms, self.decrypt_all(keys))", "{ let _ = algorithms; self.decrypt_all(keys) }", "it xmlenc::a91"),
  both("R9 what can be seen, first", [
    [response, "let envelope = read_envelope(unverified, Coverage::Response)?;", "let envelope = read_envelope(unverified, Coverage::Response);"],
    [response, "envelope: Envelope { coverage, ..envelope },", "envelope: Envelope { coverage, ..envelope? },"],
  ], "it xmlenc::a91"),
  guard("R9 keys are counted, tried or not", "src/xmlenc/key.rs", ".checked_sub(encrypted.keys.len())", ".checked_sub(1)", "it xmlenc::a91"),
  // R14: who it is.
  guard("R14 white space in a NameID", assertion, "value: if is_blank(value) {", "value: if true {\n                trim(value).to_owned()\n            } else if is_blank(value) {", "it attacks::sign_in::white_space"),
  guard("R14 the provider in a user's key", "src/app/ledger/session.rs", "        idp.as_str(),\n        name_id.format", "        \"\",\n        name_id.format", "it attacks::sign_in::a125"),
  guard("R14 owned domains", validate, "if expect.domains.covers(email.domain()) {", "if expect.domains.covers(email.domain()) || true {", "it attacks::protocol::a121"),
  guard("R14 subdomains by opt-in", "src/saml/domains.rs", "(self == Self::Included && domain.is_below(claimed))", "domain.is_below(claimed)", "it routing::subdomains"),
  guard("R14 whole labels", "src/saml/id.rs", ".is_some_and(|rest| rest.ends_with('.'))", ".is_some()", "it routing::subdomains"),
  guard("R14 a domain is claimed once", claims, "let same = others(\"reversed = ?\", &[reversed.as_str().into()])?;", "let same: Option<Domain> = None;", "it routing::only_connections"),
  guard("R14 claims below a domain that takes those", claims, '"below = 1 AND reversed = ?"', '"below = 2 AND reversed = ?"', "it routing::domains_that_go_together"),
  guard("R14 claims above a domain that is taken", claims, "if connection.routing.match_subdomains {\n            // All", "if false {\n            // All", "it routing::domains_that_go_together"),
  guard("R14 sharing is agreed", claims, "organization.filter(|_| connection.routing.share_domains)", "organization", "it routing::only_connections"),
  guard("R14 only what is enabled is found", claims, "connections.retain(|connection| connection.state == State::Enabled);", "", "it routing::what_is_asked"),
  guard("R14 proof that is demanded", "src/app/registry/proofs.rs", "!is_live(domain) && !is_proven(domain)", "false && !is_live(domain) && !is_proven(domain)", "it domain_proof::a_deployment"),
  guard("R14 a proof that is lost is none", "src/app/registry/proofs.rs", "proof.is_some_and(|proof| proof.state == ProofState::Proven)", "proof.is_some_and(|proof| proof.state != ProofState::Unproven)", "it domain_proof::a_deployment"),
  guard("R14 a proof is of one connection", "src/app/domain_proof.rs", "edge-saml-verification\\n{id}\\n{domain}", "edge-saml-verification\\n{domain}", "it domain_proof::a_domain_is"),
  guard("R14 a proof ends with its domain", "src/app/registry/domains.rs", "proofs::forget_domains(sql, before, after)?;", "let _ = proofs::forget_domains;", "it domain_proof::a_deployment"),
  guard("R14 a proof is for whoever can have the domain", "src/app/registry/proofs.rs", "Some(taken) => Err(Refusal::DomainTaken(taken)),", "Some(_) => Ok(()),", "it domain_proof::a_deployment"),
  guard("R14 public suffixes", "src/app/public_domains.rs", ".then_some(Public::Suffix)", ".then_some(Public::Suffix)\n        .filter(|_| false)", "it routing::nobody_claims"),
  guard("R14 as many reads for what is unknown", signIn, "self.ports.read_config(NO_CONNECTION).await?;", "", "it routing::what_is_asked"),
  guard("R14 what KV has older", signIn, "connection.filter(|connection| serves(connection, wish, typed))", "connection", "it routing::what_kv_has_older"),
  guard("R11 a test is no sign-in", "src/app/acs.rs", "if let Some(test) = Self::test_hint(&form) {", "if let Some(test) = Self::test_hint(&form).filter(|_| false) {", "it test_run::a_test_of_a_disabled"),
  guard("R11 a test is known by what came along", "src/app/test_run.rs", "by_request.or_else(|| TestId::parse(form.relay_state.as_deref()?).ok())", "by_request", "it test_run::an_answer_that_names_no_request"),
  guard("R11 a test in character references", "src/app/test_run.rs", "[TestId::PREFIX, \"&#\"]", "[TestId::PREFIX]", "it test_run::an_answer_names"),
  guard("R11 a test's own request", "src/saml/report.rs", "if login.in_response_to() != Some(question.request) {", "if false {", "it test_run::a_test_is_no_way"),
  guard("R11 a test that was sent", "src/app/test_run.rs", "let sent_at = test.sent_at.ok_or_else(unknown)?;", "let sent_at = test.sent_at.unwrap_or(self.ports.now());", "it test_run::tests_that_there_are_not"),
  both("R11 a test's first answer", [
    ["src/app/ledger/test.rs", "Some(test) if test.state(now) == TestState::Waiting => {}", "Some(_) => {}"],
    ["src/app/test_run.rs", "TestState::Failed | TestState::Passed => Some(see_other(&report_path(id, test))),", "TestState::Failed | TestState::Passed => None,"],
  ], "it test_run::a_test_is_over"),
  guard("R14 a test before it is enabled", "src/app/registry.rs", "if is_gated && !tested::has_passed(sql, &changed)? {", "if is_gated && false {", "it test_run::enabling_takes"),
  guard("R14 a test before a draft is applied", "src/app/registry/drafts.rs", "if deed.note.is_none() && !tested::has_passed(sql, &kept.record)? {", "if false {", "it drafts::a_draft_is_tested"),
  guard("R14 drafts that are up to date", "src/app/registry/drafts.rs", "        if kept.base.generation != live.generation {\n            return Ok(Err(Refusal::DraftOutdated));", "        if false {\n            return Ok(Err(Refusal::DraftOutdated));", "it drafts::a_draft_of_a_connection_that_was_changed"),
  guard("R14 edits made from an older draft", "src/app/registry/drafts.rs", "if self.seen.is_some_and(|seen| seen != kept.seen()) {", "if false {", "it drafts::an_edit_that"),
  guard("R14 changes made from an older generation", "src/app/registry.rs", "Some(present) if seen.is_some_and(|seen| seen != present.generation) =>", "Some(present) if seen.is_some_and(|_| false) =>", "it failures::the_second_of_two"),
  guard("R14 a call is one transaction", "src/app/registry.rs", "let reply = atomically(sql, |sql| call.run(sql, now))?;", "let reply = call.run(sql, now)?;", "it failures::a_change_that_fails"),
  guard("R12 a ledger's call is one transaction", "src/app/ledger.rs", "let reply = atomically(sql, |sql| call.run(sql, now))?;", "let reply = call.run(sql, now)?;", "it failures::an_answer_that_fails"),
  guard("R14 a test of this configuration", "src/app/registry/tested.rs", "WHERE connection_id = ? AND fingerprint = ?\"", "WHERE connection_id = ? AND ? <> ''\"", "it test_run::enabling_takes"),
  guard("R14 addresses are ASCII", "src/saml/id.rs", "        if text.is_ascii() {", "        if true {", "it attacks::protocol::a122"),
  guard("R14 format of a NameID", "src/app/ledger/session.rs", "name_id.format.as_deref().unwrap_or(UNSPECIFIED),", "UNSPECIFIED,", "it sign_in::a_user_is_a_name"),
  guard("R14 one address", "src/saml/identity.rs", ".filter(|_| same)", "", "it attacks::protocol::a123"),
  guard("R14 opaque NameIDs are no addresses", "src/saml/identity.rs", "if name_id.format.as_deref().is_some_and(opaque) {", "let _ = opaque;\n    if false {", "it validate::the_address"),
  // The sign-in log.
  guard("log noise decides nothing", attempts, "=> event.verified || self.answered_at.is_none(),", "=> true,", "it sign_in_log::what_may_be_anybodys"),
  guard("log who signed in stays signed in", attempts, "Outcome::GivenUp | Outcome::SignedIn => false,", "Outcome::GivenUp | Outcome::SignedIn => event.verified,", "it sign_in_log::what_may_be_anybodys"),
  guard("log made-up tickets", attempts, "About::Ticket(_) => known.is_some(),", "About::Ticket(_) => true,", "it sign_in_log::a_ticket"),
  guard("log room for noise", attempts, "DELETE FROM attempts WHERE standing = ?1 AND sequence", "DELETE FROM attempts WHERE ?1 = ?1 AND sequence", "it sign_in_log::noise"),
  guard("log one signed message is one attempt", attempts, "Some(Key::Signed(&message.id).text())", "Some(Key::Signed(&message.id).text()).filter(|_| false)", "it sign_in_log::one_assertion"),
  guard("log room for noise in an attempt", attempts, "unverified < MAX_UNVERIFIED_EVENTS_PER_ATTEMPT", "unverified < usize::MAX", "it sign_in_log::one_assertion"),
  guard("log events of an attempt", attempts, "self.events.len() < MAX_EVENTS_PER_ATTEMPT", "self.events.len() < usize::MAX", "it sign_in_log::one_assertion"),
  guard("log age", attempts, "DELETE FROM attempts WHERE started_at <= ? RETURNING", "DELETE FROM attempts WHERE started_at <= ? AND false RETURNING", "it sign_in_log::what_nobody"),
  guard("log capture ends", "src/app/ledger/capture.rs", "SELECT until FROM capture WHERE until > ?", "SELECT until FROM capture WHERE until > 0 * ?", "it capture::messages_are_kept"),
  guard("log noise is not captured", "src/app/ledger/capture.rs", "standing == Standing::Unverified || ", "", "it capture::messages_are_kept"),
  guard("log captured messages are few", "src/app/ledger/capture.rs", "kept.len() < MAX_CAPTURED_PER_ATTEMPT", "kept.len() < usize::MAX", "it capture::messages_are_few"),
  guard("log a captured message has its place", "src/app/capture.rs", 'format!("{id} {reference}")', 'format!("{}", id.as_str().len() + reference.len())', "lib app::capture::tests"),
  guard("log who reads captured messages", "src/app/route.rs", "Self::Messages(..) => Some(Scope::Write),", "Self::Messages(..) => Some(Scope::Read),", "it capture::who_may_only_read"),
  // The dashboard and setup links.
  guard("dashboard: token of the form", dashboardSession, 'if same_secret(sent.get("csrf").unwrap_or_default(), csrf) {', "if sent.get(\"csrf\").is_some() {", "it dashboard::a166"),
  guard("dashboard: forms from elsewhere", dashboardSession, "self.check_own_form(request)?;\n        let sent", "let sent", "it dashboard::a166"),
  guard("dashboard: what a token may", dashboard, "if !visitor.may_write() && *route != AdminRoute::SignOut {", "if false {", "it dashboard::a_token_that_may_read"),
  guard("dashboard: sessions of revoked tokens", "src/app/registry/admin_sessions.rs", "Some(token) if token.is_in_force(now) =>", "Some(token) =>", "it dashboard::a_session_ends"),
  guard("dashboard: sessions have an end", "src/app/registry/admin_sessions.rs", "WHERE session = ? AND expires_at > ?", "WHERE session = ? AND ? > 0", "it dashboard::a_session_ends"),
  guard("dashboard: the way back", dashboardSession, "rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))", "rest.is_some() || !path.as_str().is_empty()", "lib dashboard::session::tests::the_way_back"),
  guard("dashboard: live edits wait in a draft", situation, "self.live.state == State::Enabled && covered", "covered && false", "it dashboard_tests::edits_of"),
  guard("dashboard: what was not seen", situation, "(None, Some(Seen::Live(generation))) => Ok(Target::Live(Some(generation))),", "(None, Some(Seen::Live(_))) => Ok(Target::Live(None)),", "it dashboard_tests::nobody_overwrites"),
  guard("setup link: token of the form", customer, "self.check_form(&guest.csrf, request)?;", "", "it setup_links::a166"),
  guard("setup link: tests of others", customer, "if !is_of_setup(&test) {", "if false {", "it setup_links::a_link_opens"),
  guard("setup link: a week", "src/app/registry/setup_links.rs", "WHERE hash = ? AND expires_at > ?", "WHERE hash = ? AND ? > 0", "it setup_links::a_link_ends"),
  guard("setup link: its own connection", "src/app/registry/setup_links.rs", "WHERE id = ? AND connection_id = ? RETURNING id", "WHERE id = ? AND ? <> '' RETURNING id", "it setup_links::a_link_ends"),
  guard("setup link: ends with its connection", "src/app/registry.rs", "setup_links::forget(sql, &self.id)?;", "", "it setup_links::a_link_ends"),
  // The admin API.
  guard("API scopes", "src/app/api.rs", "Some(scope) if !caller.may(scope) => {", "Some(scope) if !caller.may(scope) && false => {", "it admin_tokens::each_scope"),
  guard("API scopes of tokens that are made", "src/app/api/tokens.rs", "if let Some(scope) = scopes.iter().find(|scope| !caller.may(**scope)) {", "if let Some(scope) = scopes.iter().find(|_| false) {", "it admin_tokens::no_token"),
  guard("API tokens that are revoked", "src/app/registry/tokens.rs", "self.revoked_at.is_none() && ", "", "it admin_tokens::a_token_ends"),
  guard("API tokens whose time is over", "src/app/registry/tokens.rs", "&& self.expires_at.is_none_or(|end| now < end)", "", "it admin_tokens::a_token_ends"),
  guard("API tokens kept as hashes", "src/app/principal.rs", "format!(\"{PREFIX}{}\", token.reveal()), token.hash())", "format!(\"{PREFIX}{}\", token.reveal()), serde_json::from_value(token.reveal().into()).unwrap_or(token.hash()))", "it admin_tokens::a_token_is_shown_once"),
  guard("API as many tokens", "src/app/registry/tokens.rs", "if i64::try_from(in_force.len()).unwrap_or(i64::MAX) >= MAX_ADMIN_TOKENS {", "if false {", "it admin_tokens::there_are_only"),
  guard("API the version that was seen", "src/app/api/condition.rs", "if lines.any(names_it) {", "let _ = lines.any(names_it);\n        if true {", "it api::a_change_is_made"),
  guard("API strong comparison", "src/app/api/condition.rs", "tag == present ||", "tag.trim_start_matches(\"W/\") == present ||", "it api::a_change_is_made"),
  guard("API deletion of the version that was seen", "src/app/registry.rs", "if self.from_generation.is_some_and(|from| from != connection.generation) {", "if false {", "it api::what_is_deleted"),
  guard("API a key for one body", "src/app/registry/idempotency.rs", "if text(row, 0)? == call.request.as_str() {", "if text(row, 0)? != \"\" {", "it api::what_is_repeated"),
  guard("API a key for a day", "src/app/registry/idempotency.rs", "WHERE key = ? AND at > ?", "WHERE key = ? AND ? <> 0", "it api::what_is_repeated"),
  guard("API imports in one step", "src/app/registry/import.rs", "is_undone = dry_run || imported.iter().any(|one| matches!(one.outcome, Outcome::Refused(_)));", "is_undone = dry_run;", "it transfer::one_that_is_refused"),
  guard("API dry runs", "src/app/registry/import.rs", "is_undone = dry_run || ", "is_undone = ", "it transfer::one_that_is_refused"),
  guard("API imports enable nothing untested", "src/app/registry/import.rs", "present.state == State::Enabled && is_other && !has_passed(sql, &changed)?", "false", "it transfer::users_go_on"),
  guard("API ids that were deleted", "src/app/registry/import.rs", "if !deleted.is_empty() {", "if false {", "it transfer::an_id_that_was_deleted"),
  guard("API imported addresses", "src/app/transfer.rs", " || !urls.into_iter().all(|url| self.may_send_to(url))", " || { let _ = urls; false }", "it transfer::every_fault"),
  guard("API imported keys", "src/app/transfer.rs", "if read.key(RsaFloor::Standard).is_err() {", "if false {", "it transfer::every_fault"),
  guard("API the scope of imports", "src/app/route.rs", "_ if matches!(*method, Method::GET | Method::HEAD) => Some(Scope::Read),", "_ if matches!(*method, Method::GET | Method::HEAD) || *self == Self::Import => Some(Scope::Read),", "it transfer::importing_takes"),
  guard("API a key of one caller", "src/app/api/connections.rs", "format!(\"{} {key}\", caller.actor().as_str())", "format!(\"{} {key}\", caller.scopes.len().min(0))", "it api::a_key_is_its"),
  guard("API queries with known fields", "src/app/api/query.rs", "if !known.contains(&&*name) {", "if false {", "it api::a_query"),
  guard("API limits by address before a token is looked up", "src/app/api.rs", "if self.limit_address(Limit::ApiAddress, request).await == Verdict::Limited {", "if false {", "it rate_limit::calls"),
  guard("API limits of wrong tokens", "src/app/api.rs", "if self.limit_address(Limit::WrongToken, request).await == Verdict::Limited {", "if false {", "it rate_limit::calls"),
  guard("API limits by token", "src/app/api.rs", "if self.ports.limit(Limit::ApiToken, token).await == Verdict::Limited {", "if false {", "it rate_limit::each_token"),
  guard("API limits by connection", "src/app/rate_limit.rs", "if let (Verdict::Allowed, Route::Acs(id) | Route::Slo(id)) = (verdict, route) {", "if let (Verdict::Limited, Route::Acs(id) | Route::Slo(id)) = (verdict, route) {", "it rate_limit::messages"),
  guard("API one network, one address", "src/app/rate_limit.rs", "Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()", "{ let _ = [a, b, c, d]; address.to_string() }", "lib rate_limit"),
  // Forms and metadata.
  guard("R8 repeated fields of the API", "src/app/description.rs", "if fields.contains_key(&name) {", "if false {", "it signed_requests::a_field_is_given_once"),
  guard("R8 repeated fields", "src/saml/binding.rs", "if is_repeated {", "if is_repeated && false {", "it attacks::coverage::a_form"),
  guard("R8 fields of other bindings", "src/saml/binding.rs", '"SAMLart" | "SigAlg" | "Signature" | "SAMLEncoding" => true,', "", "it attacks::coverage::a_form"),
  guard("R8 keys for signing alone", "src/saml/metadata.rs", "Some(_) => KeyUsage::Encryption,", "Some(_) => KeyUsage::Signing,", "it attacks::metadata::a157"),
  guard("R8 another entity is held back", "src/app/registry.rs", "&& !replace_entity", "&& false", "it metadata::another_identity_provider"),
  guard("R8 the entity that is wanted", "src/saml/metadata.rs", "wanted.is_none_or(|wanted| wanted.as_str() == entity.entity_id)", "wanted.is_none_or(|wanted| !wanted.as_str().is_empty() || entity.entity_id.is_empty())", "it metadata::one_of_several"),
  // Metadata that is fetched: where from, how long, how often, and what it may change.
  guard("fetch addresses of a host", fetching, "if !addresses.into_iter().all(is_public) {", "if !addresses.into_iter().any(is_public) {", "it metadata::a_url_whose_host"),
  guard("fetch a host without addresses", fetching, "if addresses.is_empty() {", "if false {", "it metadata::a_url_whose_host"),
  guard("fetch addresses where it is redirected", fetching, "self.check_reachable(&at).await?;", "self.check_reachable(url).await?;", "it metadata::a_url_whose_host"),
  guard("fetch in good time", fetching, "if self.ports.now().since(started) > METADATA_FETCH_SECONDS.into() {", "if false {", "it metadata_refresh::redirects_take"),
  guard("fetch addresses that carry others", "src/saml/ip.rs", "inside(&GLOBAL_UNICAST) && ", "", "lib saml::ip"),
  guard("fetch special addresses of IPv6", "src/saml/ip.rs", "inside(&GLOBAL_UNICAST) && !SPECIAL_V6.iter().any(inside)", "inside(&GLOBAL_UNICAST) && SPECIAL_V6.len() == 4", "lib saml::ip"),
  guard("fetch for unknown keys is rare", "src/app/ledger/unknown_key.rs", "SET at = excluded.at WHERE at <= ?", "SET at = excluded.at WHERE at <= ? OR true", "it metadata_refresh::an_unknown_key"),
  guard("fetch for unknown keys of what is enabled", "src/app/ledger/unknown_key.rs", "Some((generation, State::Enabled))", "Some((generation, _))", "it metadata_refresh::a_stranger"),
  guard("fetch what is older than what was saved", refreshing, " || connection.generation != self.generation", "", "it metadata_refresh::what_was_fetched_for"),
  guard("fetch from another address by now", refreshing, "state.metadata_url != self.url || ", "", "it metadata_refresh::what_was_fetched_for"),
  guard("fetch another entity is held", "src/saml/idp_refresh.rs", "if saved.entity_id != found.entity_id {", "if false {", "it metadata_refresh::what_no_rotation"),
  guard("fetch another host is held", "src/saml/idp_refresh.rs", "if endpoints(found).any(|url| !known.contains(&origin(url))) {", "if endpoints(found).any(|url| !known.contains(&origin(url)) && false) {", "it metadata_refresh::what_no_rotation"),
  guard("fetch other keys alone are held", "src/saml/idp_refresh.rs", "if !found.keys().iter().any(|key| known.contains(key)) {", "if !found.keys().iter().any(|key| known.contains(key)) && false {", "it metadata_refresh::what_no_rotation"),
  guard("fetch approval of what was looked at", refreshing, "if held.version != self.version {", "if false {", "it metadata_refresh::held_metadata"),
  guard("fetch what is dismissed", refreshing, "WHERE connection_id = ? AND dismissed = 0", "WHERE connection_id = ?", "it metadata_refresh::held_metadata"),
  guard("fetch forms of setup links", "src/app/rate_limit.rs", "Route::Setup(SetupRoute::Metadata | SetupRoute::Manual) if is_post => Limit::SetupForm,", "", "it rate_limit::sign_ins"),
  guard("dashboard: looked at before it is live", replacement, "if !diff.is_empty() && confirmed != version {", "if false {", "it dashboard_metadata::what_takes"),
  guard("dashboard: only what was looked at", replacement, "if !diff.is_empty() && confirmed != version {", "if !diff.is_empty() && confirmed.is_empty() {", "it dashboard_metadata::only_what"),
  guard("R15 schemes of endpoints", "src/saml/id.rs", "2048 || !scheme_ok || ", "2048 || (!scheme_ok && false) || ", "it attacks::metadata::a139"),
];
