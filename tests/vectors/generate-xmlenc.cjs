// The part of generate-xmlenc.sh that npm's packages do: files in the working directory.
const fs = require('node:fs');
const samlp = require('samlp');
const xmlEncryption = require('xml-encryption');

const keys = '../keys/';
const read = (name) => fs.readFileSync(keys + name);
const sp = {
  rsa_pub: require('node:crypto').createPublicKey(read('sp.cert.pem')).export({ type: 'spki', format: 'pem' }),
  pem: read('sp.cert.pem'),
};

for (const mode of ['2001/04/xmlenc#aes256-cbc', '2009/xmlenc11#aes128-gcm', '2009/xmlenc11#aes256-gcm']) {
  const options = {
    ...sp,
    encryptionAlgorithm: `http://www.w3.org/${mode}`,
    keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
    disallowEncryptionWithInsecureAlgorithm: false,
  };
  xmlEncryption.encrypt(fs.readFileSync('plaintext.xml', 'utf8'), options, (error, result) => {
    if (error) throw error;
    fs.writeFileSync(`npm-${mode.split('#')[1]}.xml`, result);
  });
}

// name, whether the response is signed, whether the assertion is, algorithm
const responses = [
  ['response-inside-gcm', false, true, '2009/xmlenc11#aes256-gcm'],
  ['response-outside-cbc', true, false, '2001/04/xmlenc#aes256-cbc'],
  ['response-both-gcm', true, true, '2009/xmlenc11#aes128-gcm'],
];
for (const [name, signResponse, signAssertion, mode] of responses) {
  const options = {
    issuer: 'https://idp.example/',
    audience: 'https://sp.example/',
    recipient: 'https://sp.example/acs',
    destination: 'https://sp.example/acs',
    cert: read('idp.cert.pem'),
    key: read('idp.key.pem'),
    signatureAlgorithm: 'rsa-sha256',
    digestAlgorithm: 'sha256',
    signResponse,
    signAssertion,
    encryptionPublicKey: sp.rsa_pub,
    encryptionCert: sp.pem,
    encryptionAlgorithm: `http://www.w3.org/${mode}`,
    disallowEncryptionWithInsecureAlgorithm: false,
    profileMapper: require('samlp/lib/claims/PassportProfileMapper'),
  };
  const user = { id: 'zoë', displayName: 'Zoë', emails: [{ value: 'zoe@example.com' }], name: { givenName: 'Zoë' } };
  samlp.getSamlResponse(options, user, (error, response) => {
    if (error) throw error;
    fs.writeFileSync(`${name}.xml`, response);
  });
}
