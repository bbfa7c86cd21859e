/* One TCP connection over lwIP's raw interface. lwIP calls back from within network_poll(); what
 * was received waits in a chain of its buffers, which is what the advertised window bounds. */
#include "network.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "board.h"
#include "ethernet.h"

/* QEMU's user network: the host is .2. */
#define OWN_ADDRESS LWIP_MAKEU32(10, 0, 2, 15)
#define NET_MASK LWIP_MAKEU32(255, 255, 255, 0)
#define HOST_ADDRESS LWIP_MAKEU32(10, 0, 2, 2)
#ifndef SERVER_PORT
#define SERVER_PORT 8080
#endif
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* Locally administered; a product has its own from the factory. */
static const uint8_t own_mac[ETHERNET_ADDRESS_BYTES] = {0x02, 0x54, 0x48, 0x4d, 0x00, 0x01};

static struct netif interface;
static bool started;

static struct {
    struct tcp_pcb *pcb;   /* NULL: none, or lwIP has freed it */
    struct pbuf *received; /* not yet read */
    bool connected, ended, failed;
} connection;

uint32_t network_now_ms(void) {
    return BOARD_FPGAIO_100HZ * 10;
}
uint32_t sys_now(void) {
    return network_now_ms();
}

static err_t interface_output(struct netif *to, struct pbuf *frame) {
    static uint32_t words[(ETHERNET_FRAME_BYTES + 3) / 4];
    (void)to;
    if (frame->tot_len > ETHERNET_FRAME_BYTES) return ERR_BUF;
    pbuf_copy_partial(frame, words, frame->tot_len, 0);
    return ethernet_send(words, frame->tot_len) ? ERR_OK : ERR_MEM;
}

static err_t interface_start(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->hwaddr_len = ETHERNET_ADDRESS_BYTES;
    for (unsigned i = 0; i < ETHERNET_ADDRESS_BYTES; i++)
        netif->hwaddr[i] = own_mac[i];
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = interface_output;
    return ERR_OK;
}

bool network_start(void) {
    if (!ethernet_start(own_mac)) return false;
    ip4_addr_t address = {PP_HTONL(OWN_ADDRESS)}, mask = {PP_HTONL(NET_MASK)};
    ip4_addr_t gateway = {PP_HTONL(HOST_ADDRESS)};
    lwip_init();
    if (!netif_add(&interface, &address, &mask, &gateway, NULL, interface_start, ethernet_input))
        return false;
    netif_set_default(&interface);
    netif_set_up(&interface);
    netif_set_link_up(&interface);
    started = true;
    return true;
}

void network_poll(void) {
    static uint32_t words[(ETHERNET_FRAME_BYTES + 4 + 3) / 4];
    uint32_t size_bytes;
    if (!started) return;
    while ((size_bytes = ethernet_receive(words, sizeof words))) {
        struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)size_bytes, PBUF_POOL);
        if (!frame) break; /* lost: the sender sends it again */
        pbuf_take(frame, words, (u16_t)size_bytes);
        if (interface.input(frame, &interface) != ERR_OK) pbuf_free(frame);
    }
    sys_check_timeouts();
}

static err_t on_connected(void *context, struct tcp_pcb *pcb, err_t error) {
    (void)context, (void)pcb;
    connection.connected = error == ERR_OK;
    return ERR_OK;
}

/* A NULL buffer: the server has nothing more to say. */
static err_t on_received(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error) {
    (void)context, (void)pcb, (void)error;
    if (!data) connection.ended = true;
    else if (connection.received) pbuf_cat(connection.received, data);
    else connection.received = data;
    return ERR_OK;
}

/* lwIP has freed the connection already. */
static void on_failed(void *context, err_t error) {
    (void)context, (void)error;
    connection.pcb = NULL;
    connection.failed = true;
}

static bool within(uint32_t since_ms) {
    network_poll();
    return network_now_ms() - since_ms < NETWORK_LIMIT_MS;
}

static void close_connection(void *context) {
    (void)context;
    if (connection.received) pbuf_free(connection.received);
    connection.received = NULL;
    if (!connection.pcb) return;
    tcp_arg(connection.pcb, NULL);
    tcp_recv(connection.pcb, NULL);
    tcp_err(connection.pcb, NULL);
    if (tcp_close(connection.pcb) != ERR_OK) tcp_abort(connection.pcb);
    connection.pcb = NULL;
}

static bool connect_to_server(void *context) {
    close_connection(context);
    connection.connected = connection.ended = connection.failed = false;
    if (!started || !(connection.pcb = tcp_new())) return false;
    tcp_recv(connection.pcb, on_received);
    tcp_err(connection.pcb, on_failed);
    ip_addr_t server = {PP_HTONL(HOST_ADDRESS)};
    if (tcp_connect(connection.pcb, &server, SERVER_PORT, on_connected) == ERR_OK) {
        uint32_t since_ms = network_now_ms();
        while (within(since_ms) && !connection.connected && !connection.failed) {
        }
    }
    if (connection.connected) return true;
    close_connection(context);
    return false;
}

static int send_bytes(void *context, const void *data, uint32_t size_bytes) {
    (void)context;
    uint32_t since_ms = network_now_ms();
    while (connection.pcb) {
        uint32_t room = tcp_sndbuf(connection.pcb);
        uint32_t part = size_bytes < room ? size_bytes : room;
        err_t error =
            part ? tcp_write(connection.pcb, data, (u16_t)part, TCP_WRITE_FLAG_COPY) : ERR_MEM;
        if (error == ERR_OK) {
            tcp_output(connection.pcb);
            return (int)part;
        }
        if (error != ERR_MEM || !within(since_ms)) break;
    }
    return -1;
}

static int receive_bytes(void *context, void *out, uint32_t capacity_bytes) {
    (void)context;
    uint32_t since_ms = network_now_ms();
    while (!connection.received) {
        if (connection.failed) return -1;
        if (connection.ended) return 0;
        if (!within(since_ms)) return -1;
    }
    struct pbuf *data = connection.received;
    u16_t wanted = capacity_bytes < data->tot_len ? (u16_t)capacity_bytes : data->tot_len;
    u16_t size_bytes = pbuf_copy_partial(data, out, wanted, 0);
    connection.received = pbuf_free_header(data, size_bytes);
    if (connection.pcb) tcp_recved(connection.pcb, size_bytes);
    return size_bytes;
}

struct pm_network network = {
    .connect = connect_to_server,
    .send = send_bytes,
    .receive = receive_bytes,
    .close = close_connection,
    .host = "10.0.2.2:" TEXT(SERVER_PORT),
    .base_path = "",
};
