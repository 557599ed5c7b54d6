/* Workers in answers. */
#ifndef COH_ADMIN_WORKERS_H
#define COH_ADMIN_WORKERS_H

#include <stdint.h>

#include <cohort/http.h>

#include "core/json.h"
#include "server/admin/question.h"

/* All workers of an answer, as an array. */
struct coh_json *coh_workers_json(const struct coh_answer *answer);

/* Answer with {"workers": [...]}. */
coh_answer_handler coh_workers_answer;

/* What is done to one worker: action is "/kill" and so on. The verdict. */
int coh_worker_act(
    struct coh_admin *admin, struct cohort_request *request,
    struct cohort_str action, uint64_t id);

#endif
