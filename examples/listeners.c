/* listeners.c: who listens here, in C.
 *
 *   cc listeners.c $(pkg-config --cflags --libs portinfo) -o listeners
 */
#include <portinfo.h>

#include <stdio.h>

/* Text from a process may hold anything; a terminal should see none of it. */
static void print_safely(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    putchar(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
  }
}

static void print_row(const pi_snapshot *snapshot, size_t row) {
  char address[PI_ADDRESS_TEXT];
  pi_value laddr = pi_snapshot_value(snapshot, row, PI_LADDR, 0);
  pi_value lport = pi_snapshot_value(snapshot, row, PI_LPORT, 0);
  pi_value proto = pi_snapshot_value(snapshot, row, PI_PROTO, 0);
  pi_value why = pi_snapshot_value(snapshot, row, PI_WHY, 0);
  pi_holder holder;
  pi_address_format(&laddr.address, address);
  printf("%s %s port %u:", proto.text, address, (unsigned)lport.number);
  for (unsigned i = 0; pi_snapshot_holder(snapshot, row, i, &holder); i++) {
    printf(" %u (", (unsigned)holder.pid);
    print_safely(holder.process, holder.length);
    printf(")");
  }
  if (why.sight == PI_KNOWN) printf(" nobody seen: %s", why.text);
  printf("\n");
}

int main(void) {
  pi_error err;
  pi_filter *listening = NULL;
  pi_snapshot *snapshot = NULL;
  pi_selection *rows = NULL;
  int rc = pi_filter_parse("listening", 9, &listening, &err);
  pi_options options = {.groups = PI_GROUP_OWNER, .filter = listening};
  if (rc == 0) rc = pi_snapshot_take(&options, &snapshot, &err);
  if (rc == 0) rc = pi_snapshot_select(snapshot, listening, &rows, &err);
  if (rc == 0) rc = pi_selection_sort(snapshot, rows, &err);
  for (size_t i = 0; rc == 0 && i < pi_selection_count(rows); i++) {
    print_row(snapshot, pi_selection_at(rows, i));
  }
  if (rc != 0) fprintf(stderr, "listeners: %s\n", err.text);
  pi_selection_free(rows);
  pi_snapshot_free(snapshot);
  pi_filter_free(listening);
  return rc == 0 ? 0 : 2;
}
