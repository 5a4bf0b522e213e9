# Writes OUTPUT, a C++ file with the contents of TEMPLATES (paths joined by "|"), so that the program
# needs no files at run time.
string(REPLACE "|" ";" templates "${TEMPLATES}")
set(code "#include \"templates.hpp\"\n\nnamespace reprise::reports {\n\n")
string(APPEND code "const std::map<std::string_view, std::string_view>& template_files() {\n")
string(APPEND code "  static const std::map<std::string_view, std::string_view> files = {\n")
foreach(path IN LISTS templates)
  get_filename_component(name "${path}" NAME)
  file(READ "${path}" text)
  string(APPEND code "      {\"${name}\", R\"__template__(${text})__template__\"},\n")
endforeach()
string(APPEND code "  };\n  return files;\n}\n\n}  // namespace reprise::reports\n")
file(WRITE "${OUTPUT}" "${code}")
