/* save.c: a reading as lines of text that load.c reads back. */
#include "emit.h"

const char *const pi__backend_words[] = {"auto", "netlink", "proc",
                                         "none", "bpf",     NULL};

static void put_signed(pi__writer *w, int64_t n) {
  if (n < 0) pi__put_string(w, "-");
  pi__put_number(w, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static void put_member(pi__writer *w, const char *name, uint64_t n) {
  pi__put_string(w, ",\"");
  pi__put_string(w, name);
  pi__put_string(w, "\":");
  pi__put_number(w, n);
}

/* Only what is so is said. */
static void put_flag(pi__writer *w, const char *name, bool yes) {
  if (!yes) return;
  pi__put_string(w, ",\"");
  pi__put_string(w, name);
  pi__put_string(w, "\":true");
}

static void put_fields(pi__writer *w, const pi_field *fields, size_t n) {
  for (size_t i = 0; i < n; i++) {
    pi__put_string(w, i > 0 ? ",\"" : "\"");
    pi__put_string(w, pi_field_describe(fields[i])->name);
    pi__put_string(w, "\"");
  }
}

/* ---- The host ----------------------------------------------------------- */

static void put_span(pi__writer *w, unsigned first, unsigned last) {
  pi__put_string(w, "[");
  pi__put_number(w, first);
  pi__put_string(w, ",");
  pi__put_number(w, last);
  pi__put_string(w, "]");
}

static void put_reserved(pi__writer *w, const pi_host *host) {
  bool any = false;
  pi__put_string(w, ",\"reserved\":[");
  for (unsigned port = 0; port <= 65535; port++) {
    if (!pi_host_reserves(host, (uint16_t)port)) continue;
    unsigned first = port;
    while (port < 65535 && pi_host_reserves(host, (uint16_t)(port + 1))) port++;
    if (any) pi__put_string(w, ",");
    put_span(w, first, port);
    any = true;
  }
  pi__put_string(w, "]");
}

static void put_host(pi__writer *w, const pi_snapshot *s, const pi__netns *n) {
  const pi_host *host = &n->host;
  const pi__string *name = pi__string_at(s, n->name);
  pi__put_string(w, "{\"netns\":");
  pi__put_number(w, host->netns);
  if (host->ephemeral_known) {
    pi__put_string(w, ",\"ephemeral\":");
    put_span(w, host->ephemeral_first, host->ephemeral_last);
  }
  if (host->unprivileged_known) {
    put_member(w, "unprivileged_start", host->unprivileged_start);
  }
  if (host->reserved_known) put_reserved(w, host);
  if (name != NULL) pi__put_text_member(w, "name", name->bytes);
  pi__put_string(w, "}");
}

/* The host, and the other namespaces that were read, each as a host. */
static void put_hosts(pi__writer *w, const pi_snapshot *s) {
  pi__put_string(w, ",\"host\":");
  put_host(w, s, &s->first);
  for (size_t i = 0; i < s->other_count; i++) {
    pi__put_string(w, i == 0 ? ",\"namespaces\":[" : ",");
    put_host(w, s, &s->others[i]);
  }
  if (s->other_count > 0) pi__put_string(w, "]");
}

/* ---- The quality -------------------------------------------------------- */

static void put_source(pi__writer *w, const pi_quality *q, int proto,
                       int family) {
  const struct pi_source *source = &q->sources[proto][family];
  pi__put_string(w, "{\"proto\":\"");
  pi__put_string(w, pi_field_describe(PI_PROTO)->words[proto]);
  pi__put_string(w, "\",\"family\":\"");
  pi__put_string(w, pi_field_describe(PI_FAMILY)->words[family]);
  pi__put_string(w, "\",\"backend\":\"");
  pi__put_string(w, pi__backend_words[source->backend]);
  pi__put_string(w, "\"");
  put_member(w, "rows", source->rows);
  put_member(w, "retries", source->retries);
  put_member(w, "parts", source->parts);
  if (source->os > 0) put_member(w, "errno", (uint64_t)source->os);
  put_flag(w, "partial", source->partial);
  put_flag(w, "absent", source->absent);
  put_flag(w, "untold", source->untold);
  put_flag(w, "no_bound", source->no_bound);
  put_flag(w, "joint", source->joint);
  put_flag(w, "autobound", source->autobound);
  pi__put_string(w, "}");
}

static void put_sources(pi__writer *w, const pi_quality *q) {
  bool any = false;
  pi__put_string(w, ",\"sources\":[");
  for (int i = 0; i < PI_SOURCES; i++) {
    if (!q->sources[i / 2][i % 2].wanted) continue;
    if (any) pi__put_string(w, ",");
    put_source(w, q, i / 2, i % 2);
    any = true;
  }
  pi__put_string(w, "]");
}

static void put_unknown(pi__writer *w, const pi_quality *q) {
  bool any = false;
  for (size_t i = 0; i < sizeof q->unknown / sizeof *q->unknown; i++) {
    if (q->unknown[i] == 0) continue;
    pi__put_string(w, any ? ",\"" : ",\"unknown\":{\"");
    pi__put_string(w, pi_field_describe(PI_WHY)->words[i]);
    pi__put_string(w, "\":");
    pi__put_number(w, q->unknown[i]);
    any = true;
  }
  if (any) pi__put_string(w, "}");
}

static void put_quality(pi__writer *w, const pi_quality *q) {
  pi__put_string(w, ",\"quality\":{\"taken\":");
  put_signed(w, q->taken);
  if (q->completed != 0) {
    pi__put_string(w, ",\"completed\":");
    put_signed(w, q->completed);
  }
  put_sources(w, q);
  put_member(w, "namespaces", q->namespaces);
  put_member(w, "closed", q->closed);
  put_member(w, "outside", q->outside);
  put_flag(w, "unlisted", q->unlisted);
  put_member(w, "untold", q->untold);
  put_member(w, "processes", q->processes);
  put_member(w, "unreadable", q->unreadable);
  put_member(w, "vanished", q->vanished);
  put_member(w, "recalls", q->recalls);
  put_flag(w, "hidden", q->hidden);
  put_flag(w, "nested", q->nested);
  put_flag(w, "owners_unseen", q->owners_unseen);
  if (q->owners_os > 0) put_member(w, "owners_errno", (uint64_t)q->owners_os);
  if (q->owners_by != PI_BACKEND_AUTO) {
    pi__put_string(w, ",\"owners_by\":\"");
    pi__put_string(w, pi__backend_words[q->owners_by]);
    pi__put_string(w, "\"");
  }
  put_flag(w, "pinned", q->pinned);
  if (q->obstacle[0] != '\0') pi__put_text_member(w, "obstacle", q->obstacle);
  put_unknown(w, q);
  put_member(w, "socket_us", q->socket_us);
  put_member(w, "derived_us", q->derived_us);
  put_member(w, "tcp_info_us", q->tcp_info_us);
  put_member(w, "owner_us", q->owner_us);
  put_member(w, "process_us", q->process_us);
  pi__put_string(w, "}");
}

/* ---- The whole ---------------------------------------------------------- */

static size_t fields_read(const pi_snapshot *s, pi_field *fields) {
  size_t n = 0;
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (!(s->groups & pi_field_describe((pi_field)f)->group)) continue;
    fields[n++] = (pi_field)f;
  }
  return n;
}

static int write_reading(const pi_snapshot *s, const pi_selection *sel,
                         const char *filter, pi_sink sink, void *arg,
                         pi_error *err) {
  pi_field fields[PI_FIELD_COUNT];
  size_t n = fields_read(s, fields);
  pi__writer w;
  int rc = pi__writer_init(&w, sink, arg, err);
  if (rc != 0) return rc;
  pi__put_string(&w, "{\"portinfo\":\"reading\",\"v\":1,\"fields\":[");
  put_fields(&w, fields, n);
  pi__put_string(&w, "]");
  put_member(&w, "rows", pi_selection_count(sel));
  if (filter != NULL) pi__put_text_member(&w, "filter", filter);
  put_hosts(&w, s);
  put_quality(&w, &s->quality);
  pi__put_string(&w, "}\n");
  pi__put_ndjson_rows(&w, s, sel, fields, n, err);
  return pi__writer_end(&w);
}

int pi_snapshot_save(pi_snapshot *s, const pi_selection *selection,
                     const char *filter, pi_sink sink, void *arg,
                     pi_error *err) {
  pi_selection *all = NULL;
  // a loaded one has what it has
  int rc = s->loaded ? 0 : pi_snapshot_complete(s, PI_GROUPS_USUAL, err);
  if (rc == 0 && selection == NULL) rc = pi_snapshot_select(s, NULL, &all, err);
  if (rc == 0) {
    rc = write_reading(s, selection != NULL ? selection : all, filter, sink,
                       arg, err);
  }
  pi_selection_free(all);
  return rc;
}
