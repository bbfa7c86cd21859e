/* Frames pass through two FIFOs of words with a FIFO of states beside each (datasheet, 3.12 and
 * 3.13). The MAC's own registers are reached through a command register (5.3.20). */
#include "ethernet.h"

#include <stddef.h>

#include "board.h"

struct lan9118 {
    volatile uint32_t rx_data;
    uint32_t reserved_1[7];
    volatile uint32_t tx_data;
    uint32_t reserved_2[7];
    volatile uint32_t rx_state, rx_state_peek, tx_state, tx_state_peek;
    volatile uint32_t id_revision, irq_config, irq_state, irq_enable;
    uint32_t reserved_3;
    volatile uint32_t byte_test, fifo_level, rx_config, tx_config, hardware_config;
    volatile uint32_t rx_control, rx_fifo, tx_fifo, power;
    uint32_t reserved_4[7];
    volatile uint32_t mac_command, mac_data;
};
_Static_assert(offsetof(struct lan9118, byte_test) == 0x64, "datasheet, table 5.1");
_Static_assert(offsetof(struct lan9118, mac_command) == 0xa4, "datasheet, table 5.1");

#define LAN9118 ((struct lan9118 *)BOARD_ETHERNET)

enum {
    BYTE_TEST = (int)0x87654321,
    HARDWARE_SOFT_RESET = 1,
    HARDWARE_TX_FIFO_5K = 5 << 16,
    HARDWARE_MUST_BE_ONE = 1 << 20,
    TX_CONFIG_ON = 1 << 1,
    RX_CONTROL_DISCARD = (int)(1u << 31),
    RX_STATE_ERROR = 1 << 15,
    TX_FIRST = 1 << 13,
    TX_LAST = 1 << 12,
    MAC_BUSY = (int)(1u << 31),
    MAC_CONTROL = 1,
    MAC_ADDRESS_HIGH = 2,
    MAC_ADDRESS_LOW = 3,
    MAC_CONTROL_RX = 1 << 2,
    MAC_CONTROL_TX = 1 << 3,
    CHECK_BYTES = 4,
    TRIES = 100000,
};

static void mac_write(uint32_t number, uint32_t value) {
    LAN9118->mac_data = value;
    LAN9118->mac_command = (uint32_t)MAC_BUSY | number;
    for (unsigned i = 0; i < TRIES && (LAN9118->mac_command & (uint32_t)MAC_BUSY); i++) {
    }
}

bool ethernet_start(const uint8_t address[ETHERNET_ADDRESS_BYTES]) {
    if (LAN9118->byte_test != (uint32_t)BYTE_TEST) return false;
    LAN9118->hardware_config = HARDWARE_SOFT_RESET;
    unsigned i = 0;
    while (i < TRIES && (LAN9118->hardware_config & HARDWARE_SOFT_RESET))
        i++;
    if (i == TRIES) return false;

    LAN9118->hardware_config = HARDWARE_MUST_BE_ONE | HARDWARE_TX_FIFO_5K;
    LAN9118->irq_enable = 0;
    LAN9118->irq_state = UINT32_MAX;
    mac_write(MAC_ADDRESS_HIGH, (uint32_t)address[5] << 8 | address[4]);
    mac_write(MAC_ADDRESS_LOW, (uint32_t)address[3] << 24 | (uint32_t)address[2] << 16 |
                                   (uint32_t)address[1] << 8 | address[0]);
    LAN9118->tx_config = TX_CONFIG_ON;
    mac_write(MAC_CONTROL, MAC_CONTROL_RX | MAC_CONTROL_TX);
    return true;
}

uint32_t ethernet_receive(void *out, uint32_t capacity_bytes) {
    if (!(LAN9118->rx_fifo >> 16 & 0xff)) return 0;
    uint32_t state = LAN9118->rx_state;
    uint32_t size_bytes = state >> 16 & 0x3fff, words = (size_bytes + 3) / 4;
    bool good =
        !(state & RX_STATE_ERROR) && size_bytes > CHECK_BYTES && words <= capacity_bytes / 4;
    uint32_t *to = out;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = LAN9118->rx_data;
        if (good) to[i] = word;
    }
    return good ? size_bytes - CHECK_BYTES : 0;
}

bool ethernet_send(const void *frame, uint32_t size_bytes) {
    while (LAN9118->tx_fifo >> 16 & 0xff)
        (void)LAN9118->tx_state;
    uint32_t words = (size_bytes + 3) / 4;
    if ((LAN9118->tx_fifo & 0xffff) < (words + 2) * 4) return false;
    LAN9118->tx_data = TX_FIRST | TX_LAST | size_bytes;
    LAN9118->tx_data = size_bytes << 16 | size_bytes;
    const uint32_t *from = frame;
    for (uint32_t i = 0; i < words; i++)
        LAN9118->tx_data = from[i];
    return true;
}
