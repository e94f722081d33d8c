/*
 * tls_server: a certificate made on the spot, for a server that a test is.
 */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <stdio.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/test.h"

static inline void tls_server_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* A context with a self-signed certificate for `names` ("IP:127.0.0.1,DNS:…"), which
 * is written to the file `pem` as well: who trusts that file trusts the server. */
static inline SSL_CTX *tls_server_context(const char *names, const char *pem)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *file = fopen(pem, "we");

	assert_non_null(file);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)"A test's server", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	tls_server_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	tls_server_extension(cert, NID_subject_alt_name, names);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	fclose(file);
	assert_int_equal(SSL_CTX_use_certificate(tls, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	return tls;
}

#endif
