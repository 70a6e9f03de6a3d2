/* tcpinfo.c: the group tcp_info: its columns, and what a platform says of a
 * row. */
#include "snapshot.h"

/* Every field of the group. */
enum { FIRST = PI_RTT, LAST = PI_CONGESTION };

/* What waits, and what is left of a connection, has no figures. */
static bool has_figures(const pi_snapshot *s, size_t row) {
  pi_proto proto = (pi_proto)pi__cell(s, row, PI_PROTO);
  if (proto != PI_PROTO_TCP && proto != PI_PROTO_MPTCP) return false;
  if (pi__cell_sight(s, row, PI_STATE) != PI_KNOWN) return true;
  switch ((pi_state)pi__cell(s, row, PI_STATE)) {
  case PI_STATE_LISTEN:
  case PI_STATE_CLOSED:
  case PI_STATE_TIME_WAIT:
  case PI_STATE_SYN_RECEIVED: return false;
  default: return true;
  }
}

int pi__tcp_info_begin(pi_snapshot *s, pi_error *err) {
  int rc = pi__reading_index(s, err);
  for (int f = FIRST; rc == 0 && f <= LAST; f++) {
    rc = pi__column_add(s, (pi_field)f, err);
    // whoever is not told of has ended since it was read, or could not be asked
    for (size_t row = 0; rc == 0 && row < s->count; row++) {
      pi_sight sight = has_figures(s, row) ? PI_UNKNOWN : PI_EMPTY;
      rc = pi__sight_set(s, row, (pi_field)f, sight, err);
    }
  }
  return rc;
}

void pi__reading_tcp_info(pi__reading *reading, const pi__row *row) {
  pi_snapshot *s = &reading->snapshot;
  const pi__tcp_info *info = row->info;
  uint32_t at = pi__reading_find(s, row);
  if (at == PI__NO_ROW || !has_figures(s, at)) return;
  for (int i = 0; i < PI__FIGURES; i++) {
    pi_field field = (pi_field)(FIRST + i);
    pi__cell_set(s, at, field, info->figures[i].number);
    s->columns[field].sight[at] = info->figures[i].sight;
  }
  pi__cell_set(s, at, PI_CONGESTION, info->congestion);
  s->columns[PI_CONGESTION].sight[at] = info->congestion_sight;
}
