// Stand-ins for what Abseil's archives refer to and the runtime never runs, in the shared library
// alone; they are local to it (exports.lds), and the program that loads it keeps its own.
//
//   streams   Abseil's headers include <iostream>, so each of its objects initialises the standard
//             streams, which brings in every locale of the C++ library: half a megabyte.
//   cords     absl::Status can carry payloads, which are Cords; ours carry none.  Debian's archives
//             of Cord and of what it needs are not position-independent (thread-local variables at
//             fixed offsets), and cannot be part of a shared library.
//   demangler std::terminate's default handler prints the exception's name, by a demangler of 60
//   KB.
#include <cstdlib>
#include <ios>
#include <string>

#include "absl/strings/cord.h"

namespace std {

ios_base::Init::Init() {}
ios_base::Init::~Init() {}

}  // namespace std

// std::__ostream_insert<char>, the body of operator<< for strings: a template that the headers
// declare as instantiated elsewhere, so it can be given here by its symbol only.
extern "C" void InsertIntoStream() __asm__(
    "_ZSt16__ostream_insertIcSt11char_traitsIcEERSt13basic_ostreamIT_T0_ES6_PKS3_l");
void InsertIntoStream() { std::abort(); }

namespace __gnu_cxx {
void __verbose_terminate_handler() { std::abort(); }
}  // namespace __gnu_cxx

namespace absl {
ABSL_NAMESPACE_BEGIN

void Cord::DestroyCordSlow() { std::abort(); }
void Cord::InlineRep::UnrefTree() { std::abort(); }
bool Cord::EqualsImpl(const Cord&, size_t) const { std::abort(); }
Cord::operator std::string() const { std::abort(); }

namespace cord_internal {
void CordzInfo::MaybeTrackCordImpl(InlineData&, const InlineData&, MethodIdentifier) {
  std::abort();
}
}  // namespace cord_internal

ABSL_NAMESPACE_END
}  // namespace absl
