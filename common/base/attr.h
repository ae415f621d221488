/* Compiler attributes, by the names the code reads best with. */
#ifndef WEIR_BASE_ATTR_H
#define WEIR_BASE_ATTR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
