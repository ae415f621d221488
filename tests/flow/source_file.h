/* A source for tests: a directory with one file per partition (0.csv, 1.csv, ...), a record per line, its number is
 * its offset. Or records that the
 * test appends. What is committed stays in memory, over crashes of the stage too. Nothing in it waits. */
#ifndef WEIR_TESTS_SOURCE_FILE_H
#define WEIR_TESTS_SOURCE_FILE_H

#include "flow/source.h"

/* Reads all files of the directory; records have no key and the time 0 of their producer. Asserts that it is there. */
struct source *source_file_new(const char *dir);

/* n partitions without records; source_file_append puts them there, at the next offset of r->partition. The value is
 * copied. */
struct source *source_file_empty(int32_t n);
void source_file_append(struct source *s, const struct record *r);

/* One more owner, each of which frees it. */
struct source *source_file_share(struct source *s);

/* How many records it has handed out so far; whether none is left for the present assignment. */
int64_t source_file_handed(const struct source *s);
bool source_file_read_all(const struct source *s);

/* The next source_poll takes all partitions from the stage and then gives it those of the list, from what is
 * committed. */
void source_file_rebalance(struct source *s, const int32_t *partitions, size_t n, bool lost);

/* How many times something was committed. */
int64_t source_file_commit_n(const struct source *s);

/* The stage died: the next source_poll gives all partitions to whatever stage it is called with. */
void source_file_crash(struct source *s);

/* The next n commits are answered so, and nothing of them is kept. */
void source_file_answer(struct source *s, enum commit answer, int n);

/* The record at an offset, lent; NULL behind the last. */
const struct record *source_file_record(const struct source *s, int32_t partition, int64_t offset);

/* Commits offsets as part of somebody's transaction. */
void source_file_keep(struct source *s, const struct checkpoint *parts, size_t n);

#endif
