// Times libxml2 and libxmlsec1: parsing, and the two signatures. libxmlsec1 FOLDER SECONDS
//
// Each run parses the document, registers the two ID attributes, finds both signatures and verifies them with the key of
// idp.pem, which is read once. Nothing of the SAML in the document is looked at.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/crypto.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

static void die(const char *what) {
  fprintf(stderr, "libxmlsec1: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static char *read_file(const char *folder, const char *name, int *length) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  fseek(file, 0, SEEK_END);
  *length = (int)ftell(file);
  rewind(file);
  char *octets = malloc((size_t)*length);
  if (!octets || fread(octets, 1, (size_t)*length, file) != (size_t)*length) die(path);
  fclose(file);
  return octets;
}

static void register_id(xmlNodePtr element) {
  xmlAttrPtr attribute = xmlHasProp(element, BAD_CAST "ID");
  xmlChar *value = xmlGetProp(element, BAD_CAST "ID");
  if (!attribute || !value || !xmlAddID(NULL, element->doc, value, attribute)) die("an ID is missing or repeated");
  xmlFree(value);
}

static int verify_below(xmlNodePtr parent, xmlSecKeyPtr key) {
  int verified = 0;
  register_id(parent);
  for (xmlNodePtr node = parent->children; node; node = node->next) {
    if (xmlSecCheckNodeName(node, xmlSecNodeSignature, xmlSecDSigNs)) {
      xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);
      context->signKey = xmlSecKeyDuplicate(key);
      if (xmlSecDSigCtxVerify(context, node) < 0 || context->status != xmlSecDSigStatusSucceeded) die("a signature does not hold");
      xmlSecDSigCtxDestroy(context);
      verified++;
    } else if (xmlSecCheckNodeName(node, BAD_CAST "Assertion", BAD_CAST "urn:oasis:names:tc:SAML:2.0:assertion")) {
      verified += verify_below(node, key);
    }
  }
  return verified;
}

static void verify(const char *octets, int length, xmlSecKeyPtr key) {
  xmlDocPtr document = xmlReadMemory(octets, length, NULL, NULL, XML_PARSE_NONET);
  if (!document) die("the document does not parse");
  if (verify_below(xmlDocGetRootElement(document), key) != 2) die("there are not two signatures");
  xmlFreeDoc(document);
}

static void measure(const char *folder, const char *name, double seconds, xmlSecKeyPtr key) {
  char file[64];
  int length, runs = 0;
  double fastest = 1e12;
  snprintf(file, sizeof file, "%s.xml", name);
  char *octets = read_file(folder, file, &length);
  for (double begin = now(); runs < 10 || now() - begin < seconds * 1e6; runs++) {
    double start = now();
    verify(octets, length, key);
    double took = now() - start;
    if (took < fastest) fastest = took;
  }
  printf("{\"peer\":\"libxmlsec1\",\"version\":\"%s, libxml2 %s, %s\",\"file\":\"%s\",\"work\":\"parse and signatures\",\"us\":%.3f}\n",
         XMLSEC_VERSION, LIBXML_DOTTED_VERSION, OpenSSL_version(OPENSSL_VERSION), name, fastest);
  free(octets);
}

int main(int argc, char **argv) {
  if (argc < 3) die("usage: libxmlsec1 FOLDER SECONDS");
  xmlInitParser();
  if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0) die("it does not start");
  int length;
  char *pem = read_file(argv[1], "idp.pem", &length);
  xmlSecKeyPtr key = xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)pem, (xmlSecSize)length, xmlSecKeyDataFormatCertPem, NULL, NULL, NULL);
  if (!key) die("the certificate does not load");
  measure(argv[1], "small", atof(argv[2]), key);
  measure(argv[1], "large", atof(argv[2]), key);
  return 0;
}
