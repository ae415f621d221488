/* One logfmt line per event of note, on stderr: level=info comp=sink_mongo event=flush n=120 ms=3 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "base/attr.h"

/* The text behind comp and event is logfmt already: key=value pairs, values with spaces in "quotes". */
void log_info(const char *comp, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
void log_warn(const char *comp, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);
void log_error(const char *comp, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
