/* Keys as PEM and as files; see key.h.
 *
 * PEM is taken apart by hand rather than by OpenSSL's all-accepting loader: one block of
 * one of the two names PKCS#8 has, so that only an encrypted key asks for a passphrase,
 * once, and each refusal can say what is wrong. */
#include "evidence/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "evidence/key_pem.h"

/* scrypt with 16 MiB: one of the settings OWASP's password storage sheet names as equal
 * (N=2^14, r=8, p=5), and within the 32 MiB that OpenSSL's own tools accept. */
enum { SCRYPT_N = 1 << 14, SCRYPT_R = 8, SCRYPT_P = 5, SALT_BYTES = 16 };

static enum status take_bio(BIO *bio, struct buffer *pem, struct error *error) {
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    if (size <= 0) return error_environment(error, "OpenSSL could not write PEM");
    buffer_append(pem, data, (size_t)size);
    if (pem->failed) return error_environment(error, "no memory for a PEM file");
    return STATUS_OK;
}

enum status key_pem_write_public(EVP_PKEY *pkey, struct buffer *pem, struct error *error) {
    BIO *bio = BIO_new(BIO_s_mem());
    enum status status = STATUS_ENVIRONMENT;
    if (bio && pkey && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
        status = take_bio(bio, pem, error);
    } else {
        error_environment(error, "OpenSSL could not encode a public key");
    }
    BIO_free(bio);
    return status;
}

enum status key_public_to_pem(const struct public_key *key, struct buffer *pem,
                              struct error *error) {
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, KEY_ED25519_BYTES);
    enum status status = key_pem_write_public(pkey, pem, error);
    EVP_PKEY_free(pkey);
    return status;
}

/* PKCS#8 under PBES2 with scrypt. */
static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *info, const struct passphrase *passphrase) {
    X509_ALGOR *method = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, SALT_BYTES, NULL, SCRYPT_N,
                                               SCRYPT_R, SCRYPT_P);
    if (!method) return NULL;
    X509_SIG *sealed = PKCS8_set0_pbe(passphrase->text, (int)passphrase->size_bytes, info, method);
    if (!sealed) X509_ALGOR_free(method);
    return sealed;
}

enum status key_pem_write_private(EVP_PKEY *pkey, const struct passphrase *passphrase,
                                  struct buffer *pem, struct error *error) {
    enum status status = STATUS_ENVIRONMENT;
    X509_SIG *sealed = NULL;
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    PKCS8_PRIV_KEY_INFO *info = pkey ? EVP_PKEY2PKCS8(pkey) : NULL;
    bool written = false;
    if (bio && info && passphrase) {
        sealed = encrypt(info, passphrase);
        written = sealed && PEM_write_bio_PKCS8(bio, sealed) == 1;
    } else if (bio && info) {
        written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
    }
    if (written) {
        status = take_bio(bio, pem, error);
    } else {
        error_environment(error, "OpenSSL could not encode a private key");
    }
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(bio);
    return status;
}

enum status key_private_to_pem(const struct private_key *key, const struct passphrase *passphrase,
                               struct buffer *pem, struct error *error) {
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, KEY_ED25519_BYTES);
    enum status status = key_pem_write_private(pkey, passphrase, pem, error);
    EVP_PKEY_free(pkey);
    return status;
}

enum status key_public_from_pem(struct span pem, struct public_key *out, struct error *error) {
    uint8_t bytes[KEY_ED25519_BYTES];
    size_t size = sizeof bytes;
    if (pem.size_bytes > KEY_FILE_MAXIMUM) return error_input(error, "too long for a public key");
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size_bytes);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    bool found = pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 &&
                 EVP_PKEY_get_raw_public_key(pkey, bytes, &size) == 1 && size == sizeof bytes;
    bool other = pkey && !found;
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    if (other) return error_input(error, "is not an Ed25519 key; make one with proofmark keygen");
    if (!found) {
        return error_input(error, "is not a public key in PEM (-----BEGIN PUBLIC KEY-----)");
    }
    return key_public_from_bytes(bytes, out, error);
}

/* The block is an encrypted PKCS#8: ask for the passphrase and decrypt. */
static enum status decrypt(const unsigned char *der, long size,
                           const struct passphrase_source *source, PKCS8_PRIV_KEY_INFO **out,
                           struct error *error) {
    struct passphrase passphrase;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &der, size);
    if (!sealed) return error_input(error, "is not PKCS#8 inside its PEM armour");
    enum status status = passphrase_read(source, &passphrase, error);
    if (status == STATUS_OK) {
        *out = PKCS8_decrypt(sealed, passphrase.text, (int)passphrase.size_bytes);
        if (!*out) status = error_input(error, "cannot be decrypted: the passphrase is wrong");
    }
    passphrase_wipe(&passphrase);
    X509_SIG_free(sealed);
    return status;
}

/* The PKCS#8 structure in the PEM's only block, decrypted. */
static enum status open_pem(struct span pem, const struct passphrase_source *source,
                            PKCS8_PRIV_KEY_INFO **out, struct error *error) {
    static const char not_a_key[] = "is not a private key in PEM (-----BEGIN PRIVATE KEY----- "
                                    "or -----BEGIN ENCRYPTED PRIVATE KEY-----)";
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    enum status status = STATUS_BAD_INPUT;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size_bytes);
    if (!bio) return error_environment(error, "no memory for a private key");
    if (PEM_read_bio(bio, &name, &header, &der, &size) != 1 || header[0] != '\0') {
        error_input(error, "%s", not_a_key);
    } else if (strcmp(name, "ENCRYPTED PRIVATE KEY") == 0) {
        status = decrypt(der, size, source, out, error);
    } else if (strcmp(name, "PRIVATE KEY") == 0) {
        const unsigned char *at = der;
        *out = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, size);
        status = *out ? STATUS_OK : error_input(error, "is not PKCS#8 inside its PEM armour");
    } else {
        error_input(error, "%s", not_a_key);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, (size_t)size);
    BIO_free(bio);
    return status;
}

enum status key_private_from_pem(struct span pem, const struct passphrase_source *source,
                                 struct private_key *out, struct error *error) {
    PKCS8_PRIV_KEY_INFO *info = NULL;
    uint8_t seed[KEY_ED25519_BYTES];
    size_t size = sizeof seed;
    if (pem.size_bytes > KEY_FILE_MAXIMUM) return error_input(error, "too long for a private key");
    enum status status = open_pem(pem, source, &info, error);
    if (status != STATUS_OK) return status;
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    if (pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 &&
        EVP_PKEY_get_raw_private_key(pkey, seed, &size) == 1 && size == sizeof seed) {
        status = key_from_seed(seed, out, error);
    } else {
        status = error_input(error, "is not an Ed25519 key; make one with proofmark keygen");
    }
    OPENSSL_cleanse(seed, sizeof seed);
    EVP_PKEY_free(pkey);
    PKCS8_PRIV_KEY_INFO_free(info);
    return status;
}

/* Reads the file into `text` without a copy elsewhere: the caller wipes it. */
static enum status read_secret(int fd, uint8_t *text, size_t capacity, size_t *size,
                               struct error *error) {
    *size = 0;
    for (;;) {
        ssize_t got = read(fd, text + *size, capacity - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error_environment(error, "cannot be read: %s", strerror(errno));
        if (got == 0) return STATUS_OK;
        *size += (size_t)got;
        if (*size == capacity) return error_input(error, "too long for a private key");
    }
}

/* Named by mistake, it would else read as a private key that others may read. */
static bool is_public(int fd) {
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    char text[sizeof begin - 1];
    return pread(fd, text, sizeof text, 0) == (ssize_t)sizeof text &&
           memcmp(text, begin, sizeof text) == 0;
}

/* The whole of a file that only its owner may read. */
static enum status read_private_file(const char *path, uint8_t text[KEY_FILE_MAXIMUM], size_t *size,
                                     struct error *error) {
    struct stat facts;
    enum status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return error_input(error, "cannot be opened: %s", strerror(errno));
    if (fstat(fd, &facts) != 0) {
        status = error_environment(error, "%s", strerror(errno));
    } else if (!S_ISREG(facts.st_mode)) {
        status = error_input(error, "is not a regular file");
    } else if (is_public(fd)) {
        status = error_input(error, "is a public key; the private one, which signs, is needed");
    } else if (facts.st_mode & 077) {
        status = error_input(error, "others may read this private key (mode %04o); run chmod 600",
                             (unsigned)facts.st_mode & 07777u);
    } else {
        status = read_secret(fd, text, KEY_FILE_MAXIMUM, size, error);
    }
    close(fd);
    return status;
}

enum status key_load_private(const char *path, const struct passphrase_source *source,
                             struct private_key *out, struct error *error) {
    uint8_t text[KEY_FILE_MAXIMUM];
    size_t size = 0;
    struct passphrase_source named = *source;
    if (!named.about) named.about = path;
    enum status status = read_private_file(path, text, &size, error);
    if (status == STATUS_OK) {
        status = key_private_from_pem((struct span){text, size}, &named, out, error);
    }
    OPENSSL_cleanse(text, sizeof text);
    if (status != STATUS_OK) error_prefix(error, path);
    return status;
}

enum status key_pem_read_private(const char *path, const struct passphrase_source *source,
                                 EVP_PKEY **out, struct error *error) {
    uint8_t text[KEY_FILE_MAXIMUM];
    size_t size = 0;
    struct passphrase_source named = *source;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    *out = NULL;
    if (!named.about) named.about = path;
    enum status status = read_private_file(path, text, &size, error);
    if (status == STATUS_OK) status = open_pem((struct span){text, size}, &named, &info, error);
    if (status == STATUS_OK) {
        *out = EVP_PKCS82PKEY(info);
        if (!*out) status = error_input(error, "is not a private key that OpenSSL knows");
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_cleanse(text, sizeof text);
    if (status != STATUS_OK) error_prefix(error, path);
    return status;
}

enum status key_pem_read_public(const char *path, EVP_PKEY **out, struct error *error) {
    struct arena arena = {0};
    struct span pem;
    *out = NULL;
    enum status status = file_read(&arena, path, KEY_FILE_MAXIMUM, &pem, error);
    if (status == STATUS_OK) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size_bytes);
        *out = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        if (!*out) {
            status = error_input(
                error, "%s: is not a public key in PEM (-----BEGIN PUBLIC KEY-----)", path);
        }
    }
    arena_free(&arena);
    return status;
}

enum status key_load_public(const char *path, struct public_key *out, struct error *error) {
    struct arena arena = {0};
    struct span pem;
    enum status status = file_read(&arena, path, KEY_FILE_MAXIMUM, &pem, error);
    if (status == STATUS_OK) {
        status = key_public_from_pem(pem, out, error);
        if (status != STATUS_OK) error_prefix(error, path);
    }
    arena_free(&arena);
    return status;
}
