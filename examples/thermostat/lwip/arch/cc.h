/* lwIP's port to this compiler: see "Porting" in its documentation. */
#ifndef THERMOSTAT_LWIP_CC_H
#define THERMOSTAT_LWIP_CC_H

#include <stdint.h>

#include "examples/thermostat/fault.h"

#define LWIP_NO_STDINT_H 0
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "u"

#define LWIP_PLATFORM_DIAG(arguments)
#define LWIP_PLATFORM_ASSERT(message) fault_broken_promise(message)

#endif
