/* container.c: the names of containers, out of the files in which their
 * runtimes keep what they know. No daemon is asked. Only files that belong to
 * the system are read: those of a runtime that a user runs lie in the home of
 * that user, who may have put anything there, or a mount that never answers.
 *
 * Like the control group itself, what they say is taken as it is said. */
#include "cgroup.h"
#include "json.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

/* What a container is called, and in Kubernetes the pod that it is in. */
enum { NAMESPACE, POD, NAME, PARTS };

typedef struct naming {
  pi__span parts[PARTS]; /* of the file's bytes; without text: not told */
} naming;

static bool is(const pi__span *span, const char *text, size_t length) {
  return span->text != NULL && span->length == length &&
         memcmp(span->text, text, length) == 0;
}

/* Reads a text that may come once. */
static bool text_once(pi__json *j, pi__span *ret) {
  return ret->text == NULL && pi__json_text(j, ret);
}

/* ---- Docker: config.v2.json of one container ------------------------------
 */

static bool read_docker(pi__json *j, naming *n) {
  pi__span key, *name = &n->parts[NAME];
  if (!pi__json_enter(j, '{')) return false;
  for (bool first = true; pi__json_member(j, first, &key); first = false) {
    bool wanted = is(&key, "Name", 4);
    if (wanted ? !text_once(j, name) : !pi__json_skip(j)) return false;
  }
  if (name->length > 0 && name->text[0] == '/') {
    name->text++;
    name->length--;
  }
  return true;
}

/* ---- containers/storage (Podman): a list of all ----------------------------
 */

/* The first of a list of texts. */
static bool first_text(pi__json *j, pi__span *ret) {
  if (ret->text != NULL || !pi__json_enter(j, '[')) return false;
  for (bool first = true; pi__json_element(j, first); first = false) {
    if (first ? !pi__json_text(j, ret) : !pi__json_skip(j)) return false;
  }
  return j->wrong == NULL;
}

static bool read_entry(pi__json *j, const pi__container *c, naming *n) {
  pi__span key, id = {NULL, 0}, name = {NULL, 0};
  if (!pi__json_enter(j, '{')) return false;
  for (bool first = true; pi__json_member(j, first, &key); first = false) {
    bool read = is(&key, "id", 2)      ? text_once(j, &id)
                : is(&key, "names", 5) ? first_text(j, &name)
                                       : pi__json_skip(j);
    if (!read) return false;
  }
  if (!is(&id, c->id, c->length)) return true;
  if (n->parts[NAME].text != NULL) return false;  // two of one id
  n->parts[NAME] = name;
  return true;
}

static bool read_storage(pi__json *j, const pi__container *c, naming *n) {
  if (!pi__json_enter(j, '[')) return false;
  for (bool first = true; pi__json_element(j, first); first = false) {
    if (!read_entry(j, c, n)) return false;
  }
  return true;
}

/* ---- OCI bundles: annotations of config.json -------------------------------
 */

typedef const char *const annotations[PARTS];

static annotations by_containerd = {"io.kubernetes.cri.sandbox-namespace",
                                    "io.kubernetes.cri.sandbox-name",
                                    "io.kubernetes.cri.container-name"};
static annotations by_crio = {"io.kubernetes.pod.namespace",
                              "io.kubernetes.pod.name",
                              "io.kubernetes.container.name"};
static annotations by_nerdctl = {NULL, NULL, "nerdctl/name"};

static bool read_annotations(pi__json *j, annotations *keys, naming *n) {
  pi__span key;
  if (!pi__json_enter(j, '{')) return false;
  for (bool first = true; pi__json_member(j, first, &key); first = false) {
    pi__span *part = NULL;
    for (int i = 0; i < PARTS; i++) {
      const char *wanted = (*keys)[i];
      if (wanted != NULL && is(&key, wanted, strlen(wanted))) {
        part = &n->parts[i];
      }
    }
    if (part != NULL ? !text_once(j, part) : !pi__json_skip(j)) return false;
  }
  return j->wrong == NULL;
}

static bool read_bundle(pi__json *j, annotations *keys, naming *n) {
  pi__span key;
  if (!pi__json_enter(j, '{')) return false;
  for (bool first = true; pi__json_member(j, first, &key); first = false) {
    bool wanted = is(&key, "annotations", 11);
    if (wanted ? !read_annotations(j, keys, n) : !pi__json_skip(j)) {
      return false;
    }
  }
  return true;
}

/* ---- Where the files are ---------------------------------------------------
 */

#define TASKS   "containerd/io.containerd.runtime.v2.task/"
#define STORAGE "containers/storage/overlay-containers/"

/* Below the root, around the id; without `behind` the file is of all. */
static const struct state_file {
  const char *runtime, *before, *behind;
  annotations *keys; /* of a bundle */
} files[] = {
    {"docker", "var/lib/docker/containers/", "/config.v2.json", NULL},
    {"podman", "var/lib/" STORAGE "containers.json", NULL, NULL},
    {"podman", "var/lib/" STORAGE "volatile-containers.json", NULL, NULL},
    {"containerd", "run/" TASKS "k8s.io/", "/config.json", &by_containerd},
    {"containerd", "run/k3s/" TASKS "k8s.io/", "/config.json", &by_containerd},
    {"cri-o", "run/" STORAGE, "/userdata/config.json", &by_crio},
    {"cri-o", "var/lib/" STORAGE, "/userdata/config.json", &by_crio},
    {"nerdctl", "run/" TASKS "default/", "/config.json", &by_nerdctl},
};

/* Kubernetes has others run its containers. */
static bool may_know(const struct state_file *file, const char *runtime) {
  static const char *const below[] = {"containerd", "cri-o", "docker"};
  if (strcmp(runtime, "kubernetes") != 0) {
    return strcmp(file->runtime, runtime) == 0;
  }
  for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
    if (strcmp(file->runtime, below[i]) == 0) return true;
  }
  return false;
}

/* ---- One container ----------------------------------------------------------
 */

static bool read_file(const struct state_file *file, const pi__container *c,
                      pi__json *j, naming *n) {
  bool read = file->keys != NULL     ? read_bundle(j, file->keys, n)
              : file->behind != NULL ? read_docker(j, n)
                                     : read_storage(j, c, n);
  return read && pi__json_done(j);
}

/* Keeps NAMESPACE/POD/NAME, or NAME where there is no pod; *ret is 0 if too
 * little is told. */
static int keep_name(pi__reading *reading, const naming *n, uint32_t *ret,
                     pi_error *err) {
  const pi__span *parts = n->parts;
  bool pod = parts[NAMESPACE].length > 0 && parts[POD].length > 0;
  bool name = parts[NAME].length > 0;
  *ret = 0;
  if (!pod && !name) return 0;
  size_t length = 0, most = 0;
  for (int i = 0; i < PARTS; i++) most += parts[i].length + 1;
  char *text = pi__realloc(NULL, most);
  if (text == NULL) return pi__nomem(err);
  for (int i = pod ? NAMESPACE : NAME; i < (name ? PARTS : NAME); i++) {
    if (length > 0) text[length++] = '/';
    memcpy(text + length, parts[i].text, parts[i].length);
    length += parts[i].length;
  }
  int rc = pi__reading_text(reading, text, length, ret, err);
  pi__realloc(text, 0);
  return rc;
}

typedef struct asker {
  pi__reading *reading;
  pi__state_reader read;
  void *arg;
} asker;

static int ask_file(const asker *a, const struct state_file *file,
                    const pi__container *c, uint32_t *ret, pi_error *err) {
  char path[256], *bytes;
  size_t length;
  naming n = {0};
  bool one = file->behind != NULL;
  snprintf(path, sizeof path, "%s%.*s%s", file->before,
           one ? (int)c->length : 0, c->id, one ? file->behind : "");
  if (!a->read(a->arg, path, &bytes, &length)) return 0;
  pi__json j = pi__json_of(bytes, length);
  if (!read_file(file, c, &j, &n)) return 0;
  return keep_name(a->reading, &n, ret, err);
}

/* *ret is 0 if nobody tells. */
static int ask(const asker *a, const pi__container *c, uint32_t *ret,
               pi_error *err) {
  int rc = 0;
  *ret = 0;
  if (strcmp(c->runtime, "lxc") == 0) {
    return pi__reading_text(a->reading, c->id, c->length, ret, err);
  }
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (!may_know(&files[i], c->runtime)) continue;
    rc = ask_file(a, &files[i], c, ret, err);
    if (rc != 0 || *ret != 0) break;
  }
  return rc;
}

/* ---- All of a reading
 * -------------------------------------------------------- */

/* Those that were asked about. */
typedef struct named {
  pi__container container;
  uint32_t name;
} named;

typedef struct names {
  named *list;
  size_t count, capacity;
} names;

static bool same(const pi__container *a, const pi__container *b) {
  return a->length == b->length && memcmp(a->id, b->id, a->length) == 0 &&
         strcmp(a->runtime, b->runtime) == 0;
}

static int name_of(names *known, const asker *a, const pi__container *c,
                   uint32_t *ret, pi_error *err) {
  for (size_t i = 0; i < known->count; i++) {
    if (!same(&known->list[i].container, c)) continue;
    *ret = known->list[i].name;
    return 0;
  }
  int rc = pi__reserve(&known->list, &known->capacity, known->count + 1,
                       sizeof *known->list, err);
  if (rc == 0) rc = ask(a, c, ret, err);
  if (rc == 0) known->list[known->count++] = (named){*c, *ret};
  return rc;
}

static int name_process(names *known, const asker *a, pi__process *p,
                        pi_error *err) {
  pi__container c;
  p->container_name_sight = p->cgroup_sight;
  if (p->cgroup_sight != PI_KNOWN) return 0;
  const pi__string *path = pi__string_at(&a->reading->snapshot, p->cgroup);
  p->container_name_sight = PI_EMPTY;
  if (!pi__cgroup_container(path->bytes, path->length, &c)) return 0;
  int rc = name_of(known, a, &c, &p->container_name, err);
  p->container_name_sight = p->container_name != 0 ? PI_KNOWN : PI_UNKNOWN;
  return rc;
}

int pi__reading_name_containers(pi__reading *reading, pi__state_reader read,
                                void *arg, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  const asker a = {reading, read, arg};
  names known = {0};
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < s->process_count; i++) {
    if (!s->processes[i].detailed) {
      rc = name_process(&known, &a, &s->processes[i], err);
    }
  }
  pi__realloc(known.list, 0);
  return rc;
}
