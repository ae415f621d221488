#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static bool record(struct err *e, enum err_status status, const char *format, va_list args)
{
    if (e->status != ERR_NONE) return false;
    e->status = status;
    vsnprintf(e->text, sizeof e->text, format, args);
    for (char *at = e->text; *at;
         at++) /* foreign text may hold anything: one line stays one line */
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = ' ';
    return false;
}

bool err_set(struct err *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(e, ERR_FAILED, format, args);
    va_end(args);
    return false;
}

bool err_refuse(struct err *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(e, ERR_REFUSED, format, args);
    va_end(args);
    return false;
}

bool err_fenced(struct err *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(e, ERR_FENCED, format, args);
    va_end(args);
    return false;
}
