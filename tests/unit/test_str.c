/* Pieces of bytes: cutting, numbers, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void order(void **state)
{
    (void)state;
    /* ascending */
    const struct str rows[] = {{0},         BYTES("\0"), BYTES("\0a"),  BYTES("1"),
                               BYTES("10"), BYTES("2"),  BYTES("A"),    BYTES("a"),
                               BYTES("aa"), BYTES("ab"), BYTES("\x80"), BYTES("\xff")};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t j = 0; j < COUNT_OF(rows); j++) {
            assert_int_equal(sign(str_cmp(rows[i], rows[j])), (i > j) - (i < j));
            assert_int_equal(str_eq(rows[i], rows[j]), i == j);
        }
    assert_true(str_eq(str_of(NULL), str_of("")));
    assert_null(str_of(NULL).at);
}

static void integers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t value;
    } must[] = {
        {"0", 0},
        {"-0", 0},
        {"007", 7},
        {"-12", -12},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"0000000000000000000000000000001", 1},
    };
    static const char *const must_not[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x1",
        "--1",
        "1-",
        "\xd9\xa1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999",
    };
    for (size_t i = 0; i < COUNT_OF(must); i++) {
        int64_t value = 42;
        if (!str_int64(str_of(must[i].text), &value) || value != must[i].value)
            fail_msg("\"%s\" reads as %lld", must[i].text, (long long)value);
    }
    for (size_t i = 0; i < COUNT_OF(must_not); i++) {
        int64_t value = 42;
        if (str_int64(str_of(must_not[i]), &value)) fail_msg("\"%s\" is read", must_not[i]);
        assert_int_equal(value, 42);
    }
    int64_t value;
    assert_false(str_int64((struct str){0}, &value));
    assert_true(str_int64((struct str){"123", 2}, &value)); /* not NUL-terminated */
    assert_int_equal(value, 12);
}

/* Digits are looked at in eights: whatever stands at whatever place, the answer is that of one after the other. */
static void integers_byte_by_byte(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 18; len++)
        for (size_t place = 0; place < len; place++)
            for (int byte = 0; byte < 256; byte++) {
                char text[] = "918273645546372819";
                text[place] = (char)byte;
                bool minus = byte == '-' && place == 0 && len > 1;
                bool good = minus || (byte >= '0' && byte <= '9');
                int64_t expected = 0, value = 42;
                for (size_t i = minus; good && i < len; i++)
                    expected = expected * 10 + text[i] - '0';
                assert_int_equal(str_int64((struct str){text, len}, &value), good);
                assert_int_equal(value, !good ? 42 : minus ? -expected : expected);
            }
}

/* Joins the pieces with '|'. */
static const char *pieces(const char *text, char *into)
{
    into[0] = '\0';
    for (struct str rest = str_of(text); rest.at;) {
        struct str piece = str_cut(&rest, ',');
        strncat(into, piece.at, piece.len);
        strcat(into, "|");
    }
    return into;
}

static void digits(void **state)
{
    (void)state;
    const int64_t all[] = {0, 7, 10, -1, -12, 1511568000000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        char text[STR_INT64_BYTES], expected[32];
        size_t len = (size_t)(str_put_int64(text, all[i]) - text);
        snprintf(expected, sizeof expected, "%lld", (long long)all[i]);
        assert_true(str_eq((struct str){text, len}, str_of(expected)));
    }
}

static void cutting(void **state)
{
    (void)state;
    char text[64];
    assert_string_equal(pieces("a,b,c", text), "a|b|c|");
    assert_string_equal(pieces("a", text), "a|");
    assert_string_equal(pieces("", text), "|");
    assert_string_equal(pieces(",", text), "||");
    assert_string_equal(pieces(",a,,b,", text), "|a||b||");
    struct str absent = {0};
    assert_null(str_cut(&absent, ',').at);
}

static void trimming(void **state)
{
    (void)state;
    const char *const rows[][2] = {
        {"", ""}, {" ", ""}, {" \t ", ""}, {"a", "a"}, {" a b\t", "a b"}, {"\na", "\na"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(str_trim(str_of(rows[i][0])), str_of(rows[i][1])));
    assert_int_equal(str_trim((struct str){0}).len, 0);
}

static void text(void **state)
{
    (void)state;
    const struct str must[] = {
        {0},
        BYTES("plain ASCII ~"),
        BYTES("\xc2\xa0"),         /* U+A0, the first behind the C1 controls */
        BYTES("\xdf\xbf"),         /* U+7FF */
        BYTES("\xe0\xa0\x80"),     /* U+800 */
        BYTES("\xed\x9f\xbf"),     /* U+D7FF */
        BYTES("\xee\x80\x80"),     /* U+E000 */
        BYTES("\xef\xbf\xbf"),     /* U+FFFF */
        BYTES("\xf0\x90\x80\x80"), /* U+10000 */
        BYTES("\xf4\x8f\xbf\xbf"), /* U+10FFFF */
        BYTES("\xe5\x95\x86\xe5\x93\x81"),
    };
    const struct str must_not[] = {
        BYTES("\0"),
        BYTES("a\nb"),
        BYTES("\t"),
        BYTES("\x1f"),
        BYTES("\x7f"),
        BYTES("\xc2\x80"),         /* C1 */
        BYTES("\xc2\x9f"),         /* C1 */
        BYTES("\x80"),             /* no beginning */
        BYTES("\xc0\xaf"),         /* overlong */
        BYTES("\xc1\xbf"),         /* overlong */
        BYTES("\xe0\x9f\xbf"),     /* overlong */
        BYTES("\xf0\x8f\xbf\xbf"), /* overlong */
        BYTES("\xed\xa0\x80"),     /* surrogate */
        BYTES("\xf4\x90\x80\x80"), /* beyond U+10FFFF */
        BYTES("\xf5\x80\x80\x80"),
        BYTES("\xff"),
        BYTES("a\xc3"), /* cut short */
        BYTES("\xe5\x95"),
        BYTES("\xf0\x90\x80"),
        BYTES("\xc3(\xa9"),
        BYTES("\xe5\x95("),
        BYTES("\xf0\x90\x80("),
    };
    for (size_t i = 0; i < COUNT_OF(must); i++)
        if (!str_is_text(must[i])) fail_msg("row %zu is text", i);
    for (size_t i = 0; i < COUNT_OF(must_not); i++)
        if (str_is_text(must_not[i])) fail_msg("row %zu is no text", i);
}

/* Every string of up to 4 bytes out of the interesting ones, against a decoder by the definition. */
static bool text_by_definition(const unsigned char *at, size_t len)
{
    for (size_t i = 0; i < len;) {
        static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t n = at[i] < 0x80       ? 1
                   : at[i] >> 5 == 6  ? 2
                   : at[i] >> 4 == 14 ? 3
                   : at[i] >> 3 == 30 ? 4
                                      : 0;
        if (n == 0 || i + n > len) return false;
        uint32_t code = n == 1 ? at[i] : at[i] & (0x7fU >> n);
        for (size_t j = 1; j < n; j++) {
            if (at[i + j] >> 6 != 2) return false;
            code = code << 6 | (at[i + j] & 0x3fU);
        }
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (control || code < first[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        i += n;
    }
    return true;
}

static void text_exhaustively(void **state)
{
    (void)state;
    static const unsigned char alphabet[] = {0x00, 0x1f, 0x20, 0x41, 0x7e, 0x7f, 0x80, 0x8f, 0x90,
                                             0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0,
                                             0xe1, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
    enum { N = sizeof alphabet };
    for (size_t code = 0; code < (size_t)N * N * N * N; code++) {
        unsigned char bytes[4] = {alphabet[code % N], alphabet[code / N % N],
                                  alphabet[code / N / N % N], alphabet[code / N / N / N]};
        for (size_t len = 1; len <= sizeof bytes; len++)
            if (str_is_text((struct str){(char *)bytes, len}) != text_by_definition(bytes, len))
                fail_msg("%02x %02x %02x %02x, %zu bytes", bytes[0], bytes[1], bytes[2], bytes[3],
                         len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(integers),
        cmocka_unit_test(integers_byte_by_byte),
        cmocka_unit_test(cutting),
        cmocka_unit_test(digits),
        cmocka_unit_test(trimming),
        cmocka_unit_test(text),
        cmocka_unit_test(text_exhaustively),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
