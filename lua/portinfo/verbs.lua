-- verbs.lua: which module each verb of the command is in; all of them have one function
-- of that name, (words, options) -> exit status.
return {
  ls = "verb_ls", explain = "verb_ls", port = "verb_port", wait = "verb_wait",
  watch = "verb_watch", free = "verb_bind", why = "verb_bind", save = "verb_save",
  diff = "verb_save", audit = "verb_audit", probe = "verb_probe",
  search = "verb_tell", doctor = "verb_tell", schema = "verb_tell",
}
