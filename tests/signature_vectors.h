/*
 * signature_vectors: the keys and the signed requests of RFC 9421 (appendices B.1 and
 * B.2, sections 3.2 and 4.3).  The one of a response, B.2.4, is not among them.
 */
#ifndef TESTS_SIGNATURE_VECTORS_H
#define TESTS_SIGNATURE_VECTORS_H

#define VECTOR_KEY_PSS \
    "{\"kty\":\"RSA\",\"kid\":\"test-key-rsa-pss\",\"n\":\"r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq4" \
    "0gjUR8y2Rjxa6dpG2GXHbPfvMs8ct-Lh1GH45x28Rw3Ry53mm-oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95" \
    "AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-bJ9cvSKADYdUAAN" \
    "5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3" \
    "fVAvJm-xdDOp9LCNCN48V2pnDOkFV6-U9nV5oyc6XI2w\",\"e\":\"AQAB\"}"
#define VECTOR_KEY_RSA \
    "{\"kty\":\"RSA\",\"kid\":\"test-key-rsa\",\"n\":\"hAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp" \
    "7Pv6Q2jdsPBRrwWEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFqMGmXCQvEG7" \
    "YemcxDTRPxAleIAgYYRjTSd_QBwVW9OwNFhekro3RtlinV0a75jfZgkne_YiktSvLG34lw2zqXBDTC5NHROUqGTl" \
    "ML4PlNZS5Ri2U4aCNx2rUPRcKIlE0PuKxI4T-HIaFpv8-rdV6eUgOrB2xeI1dSFFn_nnv5OoZJEIB-VmuKn3DCUc" \
    "CZSFlQPSXSfBDiUGhwOw76WuSSsf1D4b_vLoJ10w\",\"e\":\"AQAB\"}"
#define VECTOR_KEY_ECC \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"test-key-ecc-p256\",\"x\":\"qIVYZVLCrPZHGHjP" \
    "17CTW0_-D9Lfw0EkjqF7xB4FivA\",\"y\":\"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0\"}"
#define VECTOR_KEY_ED \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"test-key-ed25519\",\"x\":\"JrQLj5P_89iXES" \
    "9-vFgrIy29clF9CC_oPPsw3c5D0bs\"}"
#define VECTOR_KEY_OCT \
    "{\"kty\":\"oct\",\"kid\":\"test-shared-secret\",\"k\":\"uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTIne" \
    "dJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ\"}"

/* The request of B.2. */
#define VECTOR_TARGET "https://example.com/foo?param=Value&Pet=dog"
#define VECTOR_BODY   "{\"hello\": \"world\"}"
#define VECTOR_DIGEST \
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BN" \
    "NyealdVLvRwEmTHWXvJwew==:"

static const struct {
	const char *name, *key, *input, *signature;
} vectors[] = {
	{ "sig-b21", VECTOR_KEY_PSS,
	    "sig-b21=();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd"
	    "\"",
	    "sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it"
	    "++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbz"
	    "R72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5W"
	    "Sb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q="
	    "=:" },
	{ "sig-b22", VECTOR_KEY_PSS,
	    "sig-b22=(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=161888"
	    "4473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
	    "sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CD"
	    "fKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1r"
	    "LEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ"
	    "99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw="
	    "=:" },
	{ "sig-b23", VECTOR_KEY_PSS,
	    "sig-b23=(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"con"
	    "tent-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
	    "sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFke"
	    "Gt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7Ks"
	    "LNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF"
	    "8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA="
	    "=:" },
	{ "sig-b25", VECTOR_KEY_OCT,
	    "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-share"
	    "d-secret\"",
	    "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:" },
	{ "sig-b26", VECTOR_KEY_ED,
	    "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length"
	    "\");created=1618884473;keyid=\"test-key-ed25519\"",
	    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5W"
	    "PpBKRCw==:" },
	{ "sig1", VECTOR_KEY_PSS,
	    "sig1=(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-length\" \"conte"
	    "nt-type\");created=1618884473;keyid=\"test-key-rsa-pss\"",
	    "sig1=:HIbjHC5rS0BYaa9v4QfD4193TORw7u9edguPh0AW3dMq9WImrlFrCGUDih47vAxi4L2YRZ3XMJc1uOKk/J"
	    "0ZmZ+wcta4nKIgBkKq0rM9hs3CQyxXGxHLMCy8uqK488o+9jrptQ+xFPHK7a9sRL1IXNaagCNN3ZxJsYapFj+JXb"
	    "maI5rtAdSfSvzPuBCh+ARHBmWuNo1UzVVdHXrl8ePL4cccqlazIJdC4QEjrF+Sn4IxBQzTZsL9y9TP5FsZYzHvDq"
	    "bInkTNigBcE9cKOYNFCn4D/WM7F6TNuZO9EgtzepLWcjTymlHzK7aXq6Am6sfOrpIC49yXjj3ae6HRalVc/g==:" },
};

/* Section 4.3: a client's signature, over what it sent, and its proxy's beside it, over
 * what arrived. */
#define VECTOR_PROXIED_INPUT \
    "sig1=(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-type\" \"content" \
    "-length\");created=1618884475;keyid=\"test-key-ecc-p256\", proxy_sig=(\"@method\" \"@aut" \
    "hority\" \"@path\" \"content-digest\" \"content-type\" \"content-length\" \"forwarded\")" \
    ";created=1618884480;keyid=\"test-key-rsa\";alg=\"rsa-v1_5-sha256\";expires=1618884540"
#define VECTOR_PROXIED_SIGNATURE \
    "sig1=:X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSa" \
    "HD3A==:, proxy_sig=:S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+" \
    "CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9" \
    "vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtfl" \
    "zvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrsws" \
    "E1w5o0LV/g==:"

#endif
