/* Ingot's runtime for programs in C, and whatever calls C: load an .ingot file, run it.
 *
 *   ingot_device* device;
 *   ingot_program* program;
 *   if (ingot_device_create("host", &device) != INGOT_OK ||
 *       ingot_load_file(device, "model.ingot", 0, &program) != INGOT_OK)
 *     die(ingot_error_message());
 *   ingot_memory inputs[] = {{x, sizeof x}}, outputs[] = {{y, sizeof y}};
 *   if (ingot_run(program, inputs, 1, outputs, 1) != INGOT_OK) die(ingot_error_message());
 *
 * Functions that can fail return an ingot_status; what they give back through their last parameter
 * is then untouched.  All functions may be called from several threads, on the same objects too,
 * but for destroying one.  Destroy runs before programs and buffers, and those before their device.
 * Null is destroyed in silence.
 */
#ifndef INGOT_RUNTIME_INGOT_H_
#define INGOT_RUNTIME_INGOT_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define INGOT_API __attribute__((visibility("default")))
#else
#define INGOT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors and logging ----------------------------------------------------------------------- */

typedef enum ingot_status {
  INGOT_OK = 0,
  INGOT_INVALID = 1,       /* an argument or a file is wrong */
  INGOT_NOT_FOUND = 2,     /* no such file */
  INGOT_NOT_SUPPORTED = 3, /* this machine lacks what the program or the device needs */
  INGOT_NO_MEMORY = 4,
  INGOT_FAILED = 5 /* anything else: the message says what */
} ingot_status;

/* One line about the last function that failed on this thread, "" before any has.  Valid until the
 * next call on this thread. */
INGOT_API const char* ingot_error_message(void);

/* "0.1.0", and the version of the file format that is read: "1.1". */
INGOT_API const char* ingot_version(void);
INGOT_API const char* ingot_format_version(void);

/* Where messages go: nowhere unless a sink is set, or the environment has INGOT_LOG=1, which sends
 * them to standard error.  `line` has no newline.  The sink may be called from any thread. */
typedef void (*ingot_log_sink)(void* context, const char* line);
INGOT_API void ingot_set_log_sink(ingot_log_sink sink, void* context);

/* --- Devices ---------------------------------------------------------------------------------- */

typedef struct ingot_device ingot_device;

/* `kind`: "host", or "host:4" for 4 threads (otherwise INGOT_NUM_THREADS, else one a core); "cuda",
 * or "cuda:1" for the card that the driver calls 1 (otherwise 0).  INGOT_NOT_SUPPORTED where there
 * is no driver or no such card. */
INGOT_API ingot_status ingot_device_create(const char* kind, ingot_device** device);
INGOT_API void ingot_device_destroy(ingot_device* device);

/* "AMD EPYC 9654" and "x86_64-v4"; they live as long as the device. */
INGOT_API const char* ingot_device_name(const ingot_device* device);
INGOT_API const char* ingot_device_architecture(const ingot_device* device);

/* Waits for everything that was started on the device. */
INGOT_API ingot_status ingot_device_synchronize(ingot_device* device);

/* --- Programs --------------------------------------------------------------------------------- */

typedef struct ingot_program ingot_program;

enum {
  /* Hash all weights while loading: a damaged file is found, and nothing stays mapped. */
  INGOT_VERIFY = 1
};

/* Loads a file and makes it ready to run on `device`: of several programs in it, for several
 * architectures, the one that fits best.  Weights stay mapped from the file, which
 * must not change while the program lives. */
INGOT_API ingot_status ingot_load_file(ingot_device* device, const char* path, int flags,
                                       ingot_program** program);

/* As ingot_load_file, from memory, which is not needed afterwards. */
INGOT_API ingot_status ingot_load_memory(ingot_device* device, const void* data, size_t bytes,
                                         int flags, ingot_program** program);

/* As ingot_load_file, and refuses what is not signed by `public_key`, an Ed25519 key of 32 bytes.
 */
INGOT_API ingot_status ingot_load_signed_file(ingot_device* device, const char* path,
                                              const uint8_t* public_key, ingot_program** program);

INGOT_API void ingot_program_destroy(ingot_program* program);

/* What the compiler called it. */
INGOT_API const char* ingot_program_name(const ingot_program* program);

/* The program for a person: inputs, outputs, buffers, commands. */
INGOT_API const char* ingot_program_text(const ingot_program* program);

/* An input or an output.  The pointers live as long as the program. */
typedef struct ingot_array {
  const char* name;
  const char* type; /* of its elements, by HLO's name: "f32", "bf16", "s64", "pred" (one byte) */
  int32_t rank;
  const int64_t* dimensions; /* outermost first */
  const int64_t* strides;    /* in elements; row-major unless the model has a layout of its own */
  size_t bytes;
  int32_t aliased_input; /* outputs: the input whose memory may be given for it too; else -1 */
} ingot_array;

INGOT_API int32_t ingot_program_input_count(const ingot_program* program);
INGOT_API int32_t ingot_program_output_count(const ingot_program* program);
/* `index` out of range is INGOT_INVALID. */
INGOT_API ingot_status ingot_program_input(const ingot_program* program, int32_t index,
                                           ingot_array* array);
INGOT_API ingot_status ingot_program_output(const ingot_program* program, int32_t index,
                                            ingot_array* array);

/* --- Running on the caller's memory ------------------------------------------------------------
 */

typedef struct ingot_memory {
  void* data;
  size_t bytes; /* as the ingot_array's; anything else is refused */
} ingot_memory;

/* Runs the program on inputs and outputs in ordinary memory, and returns when the outputs are
 * there.  On the host, memory that is aligned to 16 bytes is used in place; otherwise it is copied.
 * Inputs are not changed. */
INGOT_API ingot_status ingot_run(ingot_program* program, const ingot_memory* inputs,
                                 int32_t input_count, const ingot_memory* outputs,
                                 int32_t output_count);

/* --- Running on the device's memory ------------------------------------------------------------
 */

typedef struct ingot_buffer ingot_buffer;

/* Memory on the device, its contents undefined. */
INGOT_API ingot_status ingot_buffer_create(ingot_device* device, size_t bytes,
                                           ingot_buffer** buffer);
/* Memory of the caller's on the device: a CUDA address, or on the host any that is aligned to 16.
 * It must live as long as the buffer. */
INGOT_API ingot_status ingot_buffer_wrap(ingot_device* device, void* address, size_t bytes,
                                         ingot_buffer** buffer);
INGOT_API void ingot_buffer_destroy(ingot_buffer* buffer);

/* DLPack's tensors (dlpack.h). */
struct DLManagedTensor;

/* A tensor's memory as a buffer: on this device (or its pinned or managed memory), dense and
 * row-major, of whatever type.  The buffer has taken the tensor over and calls its deleter when it
 * is destroyed; if this fails the tensor stays the caller's.  What was started on the memory before
 * must be done, or in order with the stream of the run. */
INGOT_API ingot_status ingot_buffer_from_dlpack(ingot_device* device,
                                                struct DLManagedTensor* tensor,
                                                ingot_buffer** buffer);

/* A buffer's memory as a tensor of the array's type, dimensions and strides.  The tensor has taken
 * the buffer over: its deleter destroys it, before the device is destroyed.  Runs that use the
 * buffer must have been waited for.  INGOT_NOT_SUPPORTED for types that DLPack has not (f8, s4). */
INGOT_API ingot_status ingot_buffer_to_dlpack(ingot_buffer* buffer, const ingot_array* array,
                                              struct DLManagedTensor** tensor);

INGOT_API void* ingot_buffer_address(const ingot_buffer* buffer);
INGOT_API size_t ingot_buffer_bytes(const ingot_buffer* buffer);

/* Copies all of the buffer from or to ordinary memory of `bytes` bytes, its size, after what was
 * started before. */
INGOT_API ingot_status ingot_buffer_write(ingot_buffer* buffer, const void* source, size_t bytes);
INGOT_API ingot_status ingot_buffer_read(const ingot_buffer* buffer, void* destination,
                                         size_t bytes);

typedef struct ingot_execution ingot_execution;

/* Starts a run and returns.  `stream` is the device's own handle of the queue to run on (a
 * CUstream), or null for the device's queue, on which runs start in the order of the calls.  The
 * buffers are the run's until it has been waited for.  An output that is aliased to an input may
 * be the same buffer, whose contents are then replaced. */
INGOT_API ingot_status ingot_start(ingot_program* program, ingot_buffer* const* inputs,
                                   int32_t input_count, ingot_buffer* const* outputs,
                                   int32_t output_count, void* stream, ingot_execution** execution);
/* Waits for the run and says how it went. */
INGOT_API ingot_status ingot_execution_wait(ingot_execution* execution);
/* 1 when a wait would return at once, else 0. */
INGOT_API int32_t ingot_execution_is_done(const ingot_execution* execution);
/* Waits for the run if nobody has. */
INGOT_API void ingot_execution_destroy(ingot_execution* execution);

#ifdef __cplusplus
}
#endif

#endif /* INGOT_RUNTIME_INGOT_H_ */
