// How structs of plans list their fields.
#ifndef INGOT_COMPILER_PLAN_PLAN_FIELDS_H_
#define INGOT_COMPILER_PLAN_PLAN_FIELDS_H_

// Lists the fields of a struct once, for equality and for the text form (plan_text.h):
// visit(name, member).  A field without a name is printed as its value alone, and stands first.
#define INGOT_PLAN_FIELDS(Struct, ...)                  \
  bool operator==(const Struct&) const = default;       \
  template <typename Self, typename Visitor>            \
  static void VisitFields(Self& self, Visitor& visit) { \
    __VA_ARGS__                                         \
  }

#endif  // INGOT_COMPILER_PLAN_PLAN_FIELDS_H_
