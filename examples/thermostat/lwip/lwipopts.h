/* What the thermostat takes of lwIP 2.1: IPv4 with a fixed address, ARP, ICMP echo and one TCP
 * connection at a time, without an operating system. */
#ifndef THERMOSTAT_LWIPOPTS_H
#define THERMOSTAT_LWIPOPTS_H

#include "examples/thermostat/random.h"

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0 /* no interrupt calls it */
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_IPV6 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define LWIP_ICMP 1
#define IP_FRAG 0
#define IP_REASSEMBLY 0
#define IP_FORWARD 0
#define LWIP_STATS 0
#define LWIP_NETIF_TX_SINGLE_PBUF 0

/* QEMU and every switch check frames; TCP's own checksum stays on. */
#define MEM_ALIGNMENT 4
#define MEM_SIZE (4 * 1024)
#define MEMP_NUM_TCP_PCB 4
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG 8
#define MEMP_NUM_PBUF 8
#define PBUF_POOL_SIZE 6
#define PBUF_POOL_BUFSIZE 1536

#define LWIP_TCP 1
#define TCP_MSS 1460
#define TCP_WND (3 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 6
#define TCP_QUEUE_OOSEQ 0
#define TCP_LISTEN_BACKLOG 0

/* Ports and sequence numbers that nobody can guess (RFC 6056, RFC 6528). */
#define LWIP_RAND() random_seed()
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) random_seed()

#endif
