/* value.c: one cell as a value, whether it stands in a column, comes from the
 * holders, or is looked up in the registry. */
#include "cgroup.h"
#include "schema.h"
#include "snapshot.h"

#include <string.h>

static pi_value absent(pi_field field, pi_sight sight) {
  return (pi_value){.sight = sight, .type = pi_field_describe(field)->type};
}

static pi_value text_value(pi_field field, const char *text, size_t length) {
  pi_value v = absent(field, PI_KNOWN);
  v.text = text;
  v.length = length;
  return v;
}

static pi_value number_value(pi_field field, uint64_t number) {
  pi_value v = absent(field, PI_KNOWN);
  v.number = number;
  return v;
}

static pi_value stored_text(const pi_snapshot *s, pi_field field,
                            uint32_t text) {
  const pi__string *string = pi__string_at(s, text);
  if (string == NULL) return absent(field, PI_EMPTY);
  return text_value(field, string->bytes, string->length);
}

/* ---- Columns ------------------------------------------------------------ */

static pi_value column_value(const pi_snapshot *s, size_t row, pi_field field) {
  pi_sight sight = pi__cell_sight(s, row, field);
  if (sight != PI_KNOWN) return absent(field, sight);
  const pi_field_info *info = pi_field_describe(field);
  if (info->type == PI_TYPE_ADDRESS) {
    pi_value v = absent(field, PI_KNOWN);
    v.address = *pi__cell_address(s, row, field);
    return v;
  }
  uint64_t cell = pi__cell(s, row, field);
  if (info->type == PI_TYPE_TEXT) return stored_text(s, field, (uint32_t)cell);
  pi_value v = number_value(field, cell);
  if (info->type == PI_TYPE_WORD) {
    v.text = info->words[cell];
    v.length = strlen(v.text);
  }
  return v;
}

/* Stands where others have a port, as in the kernel. */
static pi_value protocol_value(const pi_snapshot *s, size_t row) {
  if (pi__cell(s, row, PI_PROTO) != PI_PROTO_RAW) {
    return absent(PI_PROTOCOL, PI_EMPTY);
  }
  return number_value(PI_PROTOCOL, pi__cell(s, row, PI_LPORT));
}

static pi_value netns_name(const pi_snapshot *s, size_t row) {
  const pi__netns *n = pi__row_netns(s, row);
  if (n->name_sight != PI_KNOWN) {
    return absent(PI_NETNS_NAME, (pi_sight)n->name_sight);
  }
  return stored_text(s, PI_NETNS_NAME, n->name);
}

/* ---- Names from the registry -------------------------------------------- */

static bool risk_seen(uint16_t port, unsigned transport, unsigned before,
                      const char *risk) {
  pi_risk other;
  for (unsigned i = 0; i < before; i++) {
    if (!pi_port_risk(port, transport, i, &other)) return false;
    if (strcmp(other.risk, risk) == 0) return true;
  }
  return false;
}

/* The i-th distinct class of risk. */
static const char *port_risk(uint16_t port, unsigned transport, unsigned i) {
  pi_risk risk;
  for (unsigned k = 0; pi_port_risk(port, transport, k, &risk); k++) {
    if (risk_seen(port, transport, k, risk.risk)) continue;
    if (i-- == 0) return risk.risk;
  }
  return NULL;
}

static pi_value registry_value(const pi_snapshot *s, size_t row, pi_field field,
                               unsigned i) {
  pi_sight sight = (pi_sight)s->service_sight[row];
  if (sight != PI_KNOWN) return absent(field, sight);
  uint16_t port = s->service_port[row];
  unsigned transport = pi__transport((pi_proto)pi__cell(s, row, PI_PROTO));
  const char *text = NULL;
  pi_use use;
  if (field == PI_SERVICE) text = pi_port_name(port, transport, i);
  if (field == PI_RISK) text = port_risk(port, transport, i);
  if (field == PI_USE && pi_port_use(port, transport, i, &use)) text = use.id;
  if (text == NULL) return absent(field, PI_EMPTY);
  return text_value(field, text, strlen(text));
}

/* ---- Holders ------------------------------------------------------------ */

static uint32_t holder_count(const pi_snapshot *s, size_t row) {
  return s->first_holding[row + 1] - s->first_holding[row];
}

/* What follows from the control group of a process. */
static pi_value group_value(const pi_snapshot *s, const pi__process *p,
                            pi_field field) {
  const char *unit;
  size_t length;
  if (p->cgroup_sight != PI_KNOWN)
    return absent(field, (pi_sight)p->cgroup_sight);
  if (field == PI_CONTAINER) return stored_text(s, field, p->container);
  const pi__string *path = pi__string_at(s, p->cgroup);
  if (path == NULL ||
      !pi__cgroup_unit(path->bytes, path->length, &unit, &length)) {
    return absent(field, PI_EMPTY);
  }
  return text_value(field, unit, length);
}

static pi_value process_value(const pi_snapshot *s, const pi__process *p,
                              pi_field field) {
  switch (field) {
  case PI_PID: return number_value(field, p->pid);
  case PI_PROCESS: return stored_text(s, field, p->comm);
  case PI_PPID:
    if (p->ppid_sight != PI_KNOWN)
      return absent(field, (pi_sight)p->ppid_sight);
    return number_value(field, p->ppid);
  case PI_STARTED:
    if (p->started_sight != PI_KNOWN) {
      return absent(field, (pi_sight)p->started_sight);
    }
    return number_value(field, (uint64_t)p->started);
  case PI_HOLDER_NETNS:
    if (p->netns_sight != PI_KNOWN)
      return absent(field, (pi_sight)p->netns_sight);
    return number_value(field, p->netns);
  default: break;
  }
  if (field == PI_UNIT || field == PI_CONTAINER)
    return group_value(s, p, field);
  const struct {
    pi_field field;
    uint32_t text;
    uint8_t sight;
  } texts[] = {
      {PI_USER, p->user, p->user_sight},
      {PI_EXE, p->exe, p->exe_sight},
      {PI_CMDLINE, p->cmdline, p->cmdline_sight},
      {PI_CGROUP, p->cgroup, p->cgroup_sight},
      {PI_CONTAINER_NAME, p->container_name, p->container_name_sight},
      {PI_VIA, p->via, p->via_sight},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (texts[i].field != field) continue;
    if (texts[i].sight != PI_KNOWN)
      return absent(field, (pi_sight)texts[i].sight);
    return stored_text(s, field, texts[i].text);
  }
  return absent(field, PI_UNKNOWN);
}

static pi_value holder_value(const pi_snapshot *s, size_t row, pi_field field,
                             unsigned i) {
  uint32_t n = holder_count(s, row);
  if (n == 0) {
    bool unknown = pi__cell(s, row, PI_OWNER) == PI_OWNER_UNKNOWN;
    return absent(field, unknown ? PI_UNKNOWN : PI_EMPTY);
  }
  if (field == PI_HOLDERS) return number_value(field, n);
  if (i >= n) return absent(field, PI_EMPTY);
  const pi__holding *h = &s->holdings[s->first_holding[row] + i];
  return process_value(s, &s->processes[h->process], field);
}

bool pi_snapshot_holder(const pi_snapshot *s, size_t row, unsigned i,
                        pi_holder *ret) {
  if (!(s->groups & PI_GROUP_OWNER) || i >= holder_count(s, row)) return false;
  const pi__holding *h = &s->holdings[s->first_holding[row] + i];
  const pi__process *p = &s->processes[h->process];
  const pi__string *comm = pi__string_at(s, p->comm);
  *ret = (pi_holder){
      .pid = p->pid,
      .fd = h->fd,
      .process = comm->bytes,
      .length = comm->length,
  };
  return true;
}

pi_value pi_snapshot_value(const pi_snapshot *s, size_t row, pi_field field,
                           unsigned i) {
  const pi_field_info *info = pi_field_describe(field);
  if (!(s->groups & info->group) || row >= s->count) {
    return absent(field, PI_UNKNOWN);
  }
  if (pi__width(field) != 0) {
    return i == 0 ? column_value(s, row, field) : absent(field, PI_EMPTY);
  }
  if (field == PI_NETNS_NAME) {
    return i == 0 ? netns_name(s, row) : absent(field, PI_EMPTY);
  }
  if (info->group == PI_GROUP_DERIVED) {
    return registry_value(s, row, field, i);
  }
  if (!info->several && i > 0) return absent(field, PI_EMPTY);
  if (field == PI_PROTOCOL) return protocol_value(s, row);
  return holder_value(s, row, field, i);
}
