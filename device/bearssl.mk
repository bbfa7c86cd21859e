# BearSSL's sources for SHA-256 and ES256, cross-built from Debian's source package (unpacked by
# tools/setup into build-sources/bearssl). Set BEARSSL to its folder; BEARSSL_OBJECTS go to $(OUT).
BEARSSL ?= $(firstword $(wildcard $(ROOT)/build-sources/bearssl/bearssl-*))
BEARSSL_SOURCES = ec/ec_prime_i31.c ec/ec_secp256r1.c \
	ec/ecdsa_i31_bits.c ec/ecdsa_i31_vrfy_raw.c hash/sha2small.c \
	codec/ccopy.c codec/dec32be.c codec/enc32be.c \
	int/i31_add.c int/i31_bitlen.c int/i31_decmod.c int/i31_decode.c int/i31_encode.c \
	int/i31_fmont.c int/i31_iszero.c int/i31_modpow.c int/i31_montmul.c int/i31_muladd.c \
	int/i31_ninv31.c int/i31_rshift.c int/i31_sub.c int/i31_tmont.c int/i32_div32.c
BEARSSL_FLAGS = -I$(BEARSSL)/inc -I$(BEARSSL)/src
BEARSSL_OBJECTS = $(BEARSSL_SOURCES:%.c=$(OUT)/bearssl/%.o)

# Only verification on P-256 is wanted: the names of the other curves stand for it, too.
BEARSSL_LINK = -Wl,--defsym=br_secp384r1=br_secp256r1,--defsym=br_secp521r1=br_secp256r1
BEARSSL_COMPILE = $(CC) $(TARGET) -std=gnu11 -Os -ffunction-sections -fdata-sections -fno-common \
	-fstack-usage -I$(OUT)/bearssl $(BEARSSL_FLAGS) -c

# Integers of 256 bits and not of 528: half of the stack.
$(OUT)/bearssl/inner.h: $(BEARSSL)/src/inner.h
	@mkdir -p $(@D)
	sed -E 's/^(#define BR_MAX_EC_SIZE +)528$$/\1256/' $< > $@

$(OUT)/bearssl/%.o: $(BEARSSL)/src/%.c $(OUT)/bearssl/inner.h
	@mkdir -p $(@D)
	$(BEARSSL_COMPILE) $< -o $@

# Without the other curves' constants and the operations that only signing needs.
$(OUT)/bearssl/ec/ec_prime_i31.o: $(BEARSSL)/src/ec/ec_prime_i31.c $(OUT)/bearssl/inner.h
	@mkdir -p $(@D)
	sed -E '/^\t\t\{ P(384|521)_P, /d; s/^\t&api_(order|xoff|mul|mulgen),/\t0,/' $< > $(@:.o=.c)
	$(BEARSSL_COMPILE) $(@:.o=.c) -o $@
