# What UPDATE=1 adds to the build: see the Makefile. lwIP and BearSSL are Debian's source
# packages, unpacked by tools/setup; they are compiled as they are.
VERSION ?= 1.0.0
SERVER_PORT ?= 8080
LINK = link-slot.ld

LWIP := $(firstword $(wildcard $(ROOT)/build-sources/lwip/lwip-*/src))
ifeq ($(LWIP),)
$(error lwIP's source is not there: run tools/setup demo)
endif
LWIP_SOURCES = core/init.c core/def.c core/inet_chksum.c core/ip.c core/mem.c core/memp.c \
	core/netif.c core/pbuf.c core/tcp.c core/tcp_in.c core/tcp_out.c core/timeouts.c \
	core/ipv4/etharp.c core/ipv4/icmp.c core/ipv4/ip4.c core/ipv4/ip4_addr.c netif/ethernet.c

# text.c has what device/src/memory.c would bring.
DEVICE_SOURCES = $(filter-out device/src/memory.c,$(patsubst $(ROOT)/%,%,$(wildcard \
	$(ROOT)/device/src/*.c $(ROOT)/format/*.c))) device/port/mps2/flash.c

OUT = $(O)
TARGET = $(CPU)
include $(ROOT)/device/bearssl.mk

SOURCES := $(filter-out no_updater.c settings_memory.c,$(SOURCES)) ethernet.c network.c updater.c \
	settings_flash.c
INCLUDES = -I. -Ilwip -isystem $(LWIP)/include -I$(ROOT) -I$(ROOT)/device/include \
	$(BEARSSL_FLAGS:-I%=-isystem %)
CFLAGS += $(INCLUDES) -DSERVER_PORT=$(SERVER_PORT) -DVERSION='"$(VERSION)"'
ifdef SICK
CFLAGS += -DSENSOR_FAULT_AT_START=SENSOR_FAULT_OPEN
endif
LDFLAGS += $(BEARSSL_LINK)
OBJECTS += $(LWIP_SOURCES:%.c=$(O)/lwip/%.o) $(DEVICE_SOURCES:%.c=$(O)/%.o) $(BEARSSL_OBJECTS)

$(O)/lwip/%.o: $(LWIP)/%.c update.mk lwip/lwipopts.h | $(O)
	@mkdir -p $(@D)
	@$(CC) $(COMMON) $(INCLUDES) -c $< -o $@

$(O)/device/%.o: $(ROOT)/device/%.c update.mk | $(O)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c $< -o $@

$(O)/format/%.o: $(ROOT)/format/%.c update.mk | $(O)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c $< -o $@
