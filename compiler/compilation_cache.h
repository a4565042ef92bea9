// What is kept in a store of compiled code (compiler/cache), and under which keys.
//
// Two kinds of entries: a whole compilation, by its module; and the code of kernels that are
// generated together, by their kernel IR, for modules that differ in weights, in shapes of other
// layers, or in options that these kernels do not feel.  Either key also has all else that the
// contents depend on: compiler, target, options, assembler.  So an entry is what would be compiled,
// to the bit, and is never out of date.
#ifndef INGOT_COMPILER_COMPILATION_CACHE_H_
#define INGOT_COMPILER_COMPILATION_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/cache/store.h"
#include "compiler/codegen/codegen.h"
#include "compiler/compile.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot {

// A module of code, and the units whose kernels are in it, by number among those that were
// generated together.  In the cache it has neither name nor texts.
struct CodeOfUnits {
  std::vector<int64_t> units;
  codegen::GeneratedModule module;
};

// Thread-safe.
class CompilationCache {
 public:
  // For compilations for `target` with `options`, whose store is used; both outlive this.  Nothing
  // is found or kept where there is no store, where texts of stages are asked for, for simulated
  // GPUs, whose code is text, and where the linker gave the compiler no version.
  CompilationCache(const Target& target, const CompileOptions& options);

  // Of a module that was verified; nullopt where its compilation is not to be kept: constants of
  // more than 16 MB would be there twice.
  std::optional<cache::Key> KeyOf(const Module& module) const;
  // Of kernels that are generated as one module.
  std::optional<cache::Key> KeyOf(const kernel::KernelModule& kernels) const;

  // The entry as it was kept; nullopt where there is none.  Phases are empty.
  std::optional<Compilation> FindCompilation(const std::optional<cache::Key>& key) const;
  std::optional<std::vector<CodeOfUnits>> FindCode(const std::optional<cache::Key>& key) const;

  void Keep(const std::optional<cache::Key>& key, const Compilation& compilation) const;
  void Keep(const std::optional<cache::Key>& key, const std::vector<CodeOfUnits>& code) const;

 private:
  const cache::Store* store_ = nullptr;  // null: neither finds nor keeps
  const Target& target_;
  const CompileOptions& options_;
  std::string context_;  // what every key has
};

}  // namespace ingot

#endif  // INGOT_COMPILER_COMPILATION_CACHE_H_
