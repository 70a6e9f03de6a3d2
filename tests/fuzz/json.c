/* json.c: any bytes at all, read as JSON and as base64.
 *
 * What the grammar takes is taken, and nothing else, whether it is read over or
 * a value at a time; a text says what it said when it is written and read once
 * more; and base64 is as it was when it is encoded again.
 */
#include "fuzz.h"

#include "core/emit.h"
#include "core/json.h"
#include "json.h"

/* ---- Walks --------------------------------------------------------------- */

static bool walk(pi__json *j);

static bool walk_object(pi__json *j) {
  pi__span key;
  if (!pi__json_enter(j, '{')) return false;
  for (bool first = true; pi__json_member(j, first, &key); first = false) {
    if (!walk(j)) return false;
  }
  return j->wrong == NULL;
}

static bool walk_array(pi__json *j) {
  if (!pi__json_enter(j, '[')) return false;
  for (bool first = true; pi__json_element(j, first); first = false) {
    if (!walk(j)) return false;
  }
  return j->wrong == NULL;
}

/* Every value asked for as what it is. */
static bool walk(pi__json *j) {
  pi__span span;
  bool yes;
  switch (pi__json_next(j)) {
  case '{': return walk_object(j);
  case '[': return walk_array(j);
  case '"': return pi__json_text(j, &span);
  case '0': return pi__json_number(j, &span);
  case 't':
  case 'f': return pi__json_bool(j, &yes);
  default: return pi__json_skip(j);
  }
}

static bool takes(const uint8_t *data, size_t size, bool (*read)(pi__json *)) {
  char *line = copy_of(data, size);
  pi__json j = pi__json_of(line, size);
  bool taken = read(&j) && pi__json_done(&j);
  must(j.at >= line && j.at <= line + size);
  must(!taken || j.wrong == NULL);
  free(line);
  return taken;
}

/* ---- Texts --------------------------------------------------------------- */

typedef struct sink {
  char bytes[64 * 1024];
  size_t length;
} sink;

static int append(void *arg, const char *bytes, size_t length) {
  sink *s = arg;
  must(length <= sizeof s->bytes - s->length);
  memcpy(s->bytes + s->length, bytes, length);
  s->length += length;
  return 0;
}

/* A text as a member of an object. */
static void write_text(sink *s, const char *text) {
  pi__writer w;
  s->length = 0;
  must(pi__writer_init(&w, append, s, NULL) == 0);
  pi__put_string(&w, "{\"v\":1");
  pi__put_text_member(&w, "text", text);
  pi__put_string(&w, "}");
  must(pi__writer_end(&w) == 0);
  must(is_json(s->bytes, s->length, 1));
}

static bool named(const pi__span *key, const char *name) {
  return key->length == strlen(name) &&
         memcmp(key->text, name, key->length) == 0;
}

/* What the object holds: its bytes, where its text could not hold them. */
static void is_held(sink *s, const char *text, size_t length) {
  pi__json j = pi__json_of(s->bytes, s->length);
  pi__span key, found = {NULL, 0};
  must(pi__json_enter(&j, '{'));
  for (bool first = true; pi__json_member(&j, first, &key); first = false) {
    if (named(&key, "text")) {
      must(pi__json_text(&j, &found));
    } else if (named(&key, "text_b64")) {
      must(pi__json_text(&j, &found) && pi__base64_decode(&found));
    } else {
      must(pi__json_skip(&j));
    }
  }
  must(pi__json_done(&j) && found.text != NULL);
  must(found.length == length && memcmp(found.text, text, length) == 0);
}

static void is_the_same_text(const uint8_t *data, size_t size) {
  static sink s;
  char *text = text_of_bytes(data, size);
  write_text(&s, text);
  is_held(&s, text, strlen(text));
  free(text);
}

/* ---- Base64 -------------------------------------------------------------- */

static size_t encode(const pi__span *span, char *to) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  uint32_t bits = 0;
  unsigned held = 0;
  for (size_t i = 0; i < span->length; i++) {
    bits = bits << 8 | (uint8_t)span->text[i];
    for (held += 8; held >= 6; held -= 6) {
      to[n++] = digits[bits >> (held - 6) & 63];
    }
  }
  if (held > 0) to[n++] = digits[bits << (6 - held) & 63];
  while (n % 4 != 0) to[n++] = '=';
  return n;
}

static void is_the_same_base64(const uint8_t *data, size_t size) {
  char *bytes = copy_of(data, size);
  pi__span span = {bytes, size};
  if (pi__base64_decode(&span)) {
    char *again = malloc(size + 8);
    must(again != NULL && encode(&span, again) == size);
    must(memcmp(again, data, size) == 0);
    free(again);
  }
  free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 4096) return 0;
  bool good = is_json((const char *)data, size, PI__JSON_DEEPEST);
  must(takes(data, size, pi__json_skip) == good);
  must(takes(data, size, walk) == good);
  is_the_same_text(data, size);
  is_the_same_base64(data, size);
  return 0;
}
