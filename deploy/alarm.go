package deploy

// An alarm is a threshold on a metric that no healthy function is over.
type alarm struct {
	ID, Name, About   string
	Namespace, Metric string
	Dimensions        []dimension
	Statistic         string // the property and its value
	Period, Periods   int    // seconds, and how many of them in a row
	Threshold         int
}

type dimension struct{ Name, Value string }

// alarms are all the alarms of an environment; each stops a deployment.
func (c *Config) alarms() []alarm {
	f := c.Function
	live := []dimension{{"FunctionName", f.Name}, {"Resource", f.Name + ":" + f.Alias}}
	ours := []dimension{{"environment", c.Environment}}
	const sum = "Statistic: Sum"
	return []alarm{
		{"RowsUnaccountedAlarm", "rows-unaccounted", "Rows were read that are neither written nor rejected: a defect, stop and look.",
			"Penstock", "rows_unaccounted", ours, sum, 60, 1, 0},
		{"NoticesPoisonAlarm", "notices-poison", "A notice could not be understood; it is in the log.",
			"Penstock", "notices_poison", ours, sum, 60, 1, 0},
		{"RejectsAlarm", "rejects", "More rows were rejected in an hour than is usual; their reasons are in the bucket of rejects.",
			"Penstock", "rows_rejected", ours, sum, 3600, 1, c.Alarms.RejectsPerHour},
		{"FailedEventsAlarm", "failed-events", "Events failed three times and wait in the queue: mend the cause, then penstock lambda replay.",
			"AWS/SQS", "ApproximateNumberOfMessagesVisible", []dimension{{"QueueName", f.Name + "-failed"}}, "Statistic: Maximum", 60, 1, 0},
		{"ErrorsAlarm", "errors", "Invocations end in an error, for three minutes.",
			"AWS/Lambda", "Errors", live, sum, 60, 3, 0},
		{"ThrottlesAlarm", "throttles", "Lambda refuses invocations for a quarter of an hour: reserved_concurrency is too low for what comes in.",
			"AWS/Lambda", "Throttles", live, sum, 300, 3, 0},
		{"EventsDroppedAlarm", "events-dropped", "Lambda gave up events: they are in the queue, or lost if it could not be reached.",
			"AWS/Lambda", "AsyncEventsDropped", live, sum, 60, 1, 0},
		{"DurationAlarm", "duration", "Invocations take all their time and do not hand over.",
			"AWS/Lambda", "Duration", live, "ExtendedStatistic: p99", 300, 1, c.Alarms.DurationP99Seconds * 1000},
	}
}
